/* SPDX-License-Identifier: Apache-2.0 */

/* Commands by name, their help, and the actions of a command such as `channels create`. */
#ifndef CLI_ACTIONS_H
#define CLI_ACTIONS_H

#include "cli/command.h"

/* Finds the command of this name in a list that ends with NULL. Returns NULL if there is none. */
const struct command *command_find(const struct command *const *list, const char *name);

/* Appends "; did you mean create?", or nothing if no name in the list is near. */
void command_add_suggestion(struct buf *out, const struct command *const *list, const char *typed);

/* Prints the help on standard output. */
void command_print_help(const struct command *command);

/* Answers --help, or runs the command or the action that argv[1] names. Returns an exit code. */
int command_start(const struct command *command, int argc, char **argv);

#endif
