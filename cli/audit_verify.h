/* SPDX-License-Identifier: Apache-2.0 */

/* `audit verify`, one of the actions of `audit`. */
#ifndef CLI_AUDIT_VERIFY_H
#define CLI_AUDIT_VERIFY_H

#include "cli/command.h"

extern const struct command audit_verify_action;

#endif
