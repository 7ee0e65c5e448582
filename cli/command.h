/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A subcommand. main.c finds it by name and answers --help. The command reads its own flags with
 * command_flag(), prints results on standard output and errors on standard error.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <getopt.h>

#include "config/config.h"
#include "core/attributes.h"

/* Every command uses these. `wrenn-events help` and docs/commands.md list them too. */
enum exit_code {
	EXIT_GOOD = 0,
	EXIT_FAILED = 1,      /* the command ran, and the outcome is an error */
	EXIT_USAGE = 2,       /* bad flags or settings, or the request was refused */
	EXIT_UNREACHABLE = 3, /* the service does not answer or denies access */
	EXIT_TIMED_OUT = 124
};

/* A command either runs, or has actions, which are commands again. Its help has at most 24 lines of
 * 80 columns and ends with an example. */
struct command {
	const char *name;
	const char *summary; /* one line, for the help of all */
	const char *usage;   /* the --help text; with actions, without their list and the example */
	int (*run)(int argc, char **argv);
	const struct command *const *actions; /* ends with NULL */
	const char *example;                  /* of a command with actions */
};

extern const struct command publish_command;
extern const struct command tail_command;
extern const struct command wait_command;
extern const struct command channels_command;
extern const struct command expectations_command;
extern const struct command deliveries_command;
extern const struct command explain_command;
extern const struct command audit_command;
extern const struct command console_command;
extern const struct command keys_command;
extern const struct command teams_command;
extern const struct command sessions_command;
extern const struct command doctor_command;
extern const struct command backup_command;
extern const struct command restore_command;
extern const struct command health_command;

/* Prints "wrenn-events: " and the sentence on standard error. Returns `code`, so a command can
 * end with `return command_fault(EXIT_FAILED, "...")`. */
int command_fault(int code, const char *format, ...) printf_like(2, 3);

/* getopt_long() for long flags. Returns its result; if a flag is wrong, prints what to type instead
 * and returns '?', and the command ends with EXIT_USAGE. */
int command_flag(int argc, char **argv, const struct option *options);

/* The exit code for 0 or a negative errno. */
int command_code(int rc);

/* Reads a duration: seconds, or a number with s, m, h or d. Returns 0 or -EINVAL. */
int command_duration(const char *text, int64_t *out_ms) must_check;

/* Loads the settings that a command needs. If any are wrong, prints every error and returns
 * EXIT_USAGE. */
int command_config(enum config_need need, const char *file, struct config *out);

#endif
