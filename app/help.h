/* SPDX-License-Identifier: Apache-2.0 */

/* The table of commands, and their help. */
#ifndef APP_HELP_H
#define APP_HELP_H

#include <stdio.h>

#include "cli/command.h"

/* All commands; ends with NULL. */
extern const struct command *const help_commands[];

/* Prints that there is no such command, and suggests a similar one. Returns EXIT_USAGE. */
int help_refuse(const char *typed);

void help_print_overview(FILE *out);

/* `help`, `help COMMAND [ACTION]`, `help settings`, `help kinds` and
 * `help providers`. Returns an exit code. */
int help_print(int argc, char **argv);

#endif
