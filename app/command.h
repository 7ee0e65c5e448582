/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A subcommand. main.c finds it by name and answers --help; the command reads its own flags with
 * getopt_long(), prints results on standard output and faults on standard error.
 */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

#include <getopt.h>

#include "config/config.h"
#include "core/attributes.h"

enum exit_code { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_TIMED_OUT = 124 };

struct command {
	const char *name;
	const char *summary; /* one line, for `help` */
	const char *usage;   /* the whole --help text */
	int (*run)(int argc, char **argv);
};

extern const struct command serve_command;
extern const struct command publish_command;
extern const struct command tail_command;
extern const struct command wait_command;
extern const struct command keys_command;
extern const struct command teams_command;
extern const struct command sessions_command;

/* "wrenn-events: " and the sentence on standard error; returns `code`, so that a command can
 * end with `return command_fault(EXIT_FAILED, "...")`. */
int command_fault(int code, const char *format, ...) printf_like(2, 3);

/* Loads the settings a command needs; on faults prints them all and returns EXIT_FAILED. */
int command_config(enum config_need need, const char *file, struct config *out);

#endif
