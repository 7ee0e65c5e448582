/* SPDX-License-Identifier: Apache-2.0 */

/* The table of commands, and their help. */
#ifndef APP_HELP_H
#define APP_HELP_H

#include <stdio.h>

#include "cli/command.h"

/* NULL if there is no such command. */
const struct command *command_find(const char *name);

void help_print_overview(FILE *out);

/* `help`, `help COMMAND`, `help settings` and `help kinds`. Returns an exit code. */
int help_print(int argc, char **argv);

#endif
