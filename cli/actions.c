/* SPDX-License-Identifier: Apache-2.0 */

/* While an action runs, argv[0] is "channels create", so that its errors name it. */
#include "cli/actions.h"

#include <stdio.h>
#include <string.h>

#include "core/suggest.h"

#define NAME_LIMIT 128

const struct command *command_find(const struct command *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp((*list)->name, name) == 0)
			return *list;
	return NULL;
}

void command_add_suggestion(struct buf *out, const struct command *const *list, const char *typed)
{
	struct suggestion suggestion = { .typed = typed };

	for (; *list; list++)
		suggest_consider(&suggestion, (*list)->name);
	if (suggestion.meant)
		buf_addf(out, "; did you mean %s?", suggestion.meant);
}

void command_print_help(const struct command *command)
{
	fputs(command->usage, stdout);
	if (!command->actions)
		return;
	puts("\nActions:");
	for (const struct command *const *action = command->actions; *action; action++)
		printf("  %-10s %s\n", (*action)->name, (*action)->summary);
	printf("\n`wrenn-events %s ACTION --help` explains one.\n\nExample: %s\n", command->name,
	       command->example);
}

/* Anywhere before `--`, so that it also works at the end of a half-typed line. */
static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

/* Reports a missing word, or one that is not an action. */
static int refuse_action(const struct command *command, const char *typed)
{
	struct buf words;
	int code;

	buf_init(&words, 4096);
	for (const struct command *const *action = command->actions; *action; action++)
		buf_addf(&words, "%s%s", words.len ? ", " : "", (*action)->name);
	if (typed) {
		struct buf hint;

		buf_init(&hint, 256);
		command_add_suggestion(&hint, command->actions, typed);
		if (hint.len == 0)
			buf_addf(&hint, "; there are %.*s", STR_ARGS(buf_str(&words)));
		code = command_fault(EXIT_USAGE, "%s: there is no action \"%s\"%.*s", command->name,
				     typed, STR_ARGS(buf_str(&hint)));
		buf_done(&hint);
	} else {
		code = command_fault(EXIT_USAGE, "%s: which action? There are %.*s", command->name,
				     STR_ARGS(buf_str(&words)));
	}
	buf_done(&words);
	return code;
}

static int run_action(const struct command *command, int argc, char **argv)
{
	static char name[NAME_LIMIT];
	const char *typed = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
	const struct command *action = typed ? command_find(command->actions, typed) : NULL;

	if (!action && asks_for_help(argc, argv)) {
		command_print_help(command);
		return EXIT_GOOD;
	}
	if (!action)
		return refuse_action(command, typed);
	snprintf(name, sizeof(name), "%s %s", command->name, action->name);
	argv[1] = name;
	return command_start(action, argc - 1, argv + 1);
}

int command_start(const struct command *command, int argc, char **argv)
{
	if (command->actions)
		return run_action(command, argc, argv);
	if (asks_for_help(argc, argv)) {
		command_print_help(command);
		return EXIT_GOOD;
	}
	return command->run(argc, argv);
}
