/* SPDX-License-Identifier: Apache-2.0 */

/* The action of `expectations` that takes a rule. expectations.c has the others and the table. */
#ifndef CLI_EXPECTATION_ACTIONS_H
#define CLI_EXPECTATION_ACTIONS_H

#include "cli/command.h"

#define EXPECTATIONS_PATH     "/v1/expectations"
#define EXPECTATION_PATH_SIZE 128

extern const struct command expectations_create_action;

/* Writes the path of the rule. Returns EXIT_GOOD, or prints an error and returns EXIT_USAGE. */
int expectation_path(const char *name, char out[EXPECTATION_PATH_SIZE]) must_check;

#endif
