/* SPDX-License-Identifier: Apache-2.0 */

/* The `serve` command: the service itself. The other commands are in cli/. */
#ifndef APP_SERVE_H
#define APP_SERVE_H

#include "cli/command.h"

extern const struct command serve_command;

#endif
