/* SPDX-License-Identifier: Apache-2.0 */

/* The actions of `audit` that ask the service, its store or its files. audit.c has the table. */
#ifndef CLI_AUDIT_ACTIONS_H
#define CLI_AUDIT_ACTIONS_H

#include "cli/command.h"

extern const struct command audit_list_action;
extern const struct command audit_export_action;
extern const struct command audit_forget_action;
extern const struct command audit_rotate_key_action;

#endif
