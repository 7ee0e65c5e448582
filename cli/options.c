/* SPDX-License-Identifier: Apache-2.0 */

/* The flags of every command: getopt_long() with errors that say what to type instead. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "core/suggest.h"

#define MAX_FLAG 64

static const struct option *find_by_value(const struct option *options, int value)
{
	for (; options->name; options++)
		if (options->val == value)
			return options;
	return NULL;
}

/* glibc accepts the beginning of a flag if only one flag begins so. */
static size_t count_beginning_with(const struct option *options, const char *name)
{
	size_t count = 0;

	for (; options->name; options++)
		count += strncmp(options->name, name, strlen(name)) == 0;
	return count;
}

static void report_unknown(const char *command, const char *flag, const struct option *options)
{
	char name[MAX_FLAG];
	struct suggestion suggestion = { .typed = name };

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(flag + 2, "="), flag + 2);
	if (name[0] && count_beginning_with(options, name) > 1) {
		command_fault(EXIT_USAGE, "%s: more than one flag begins with --%s; see --help",
			      command, name);
		return;
	}
	for (const struct option *option = options; option->name; option++)
		suggest_consider(&suggestion, option->name);
	if (suggestion.meant)
		command_fault(EXIT_USAGE, "%s: there is no flag --%s; did you mean --%s?", command,
			      name, suggestion.meant);
	else
		command_fault(EXIT_USAGE,
			      "%s: there is no flag --%s; `wrenn-events %s --help` lists them",
			      command, name, command);
}

int command_flag(int argc, char **argv, const struct option *options)
{
	const struct option *known;
	const char *typed;
	int flag;

	opterr = 0;
	flag = getopt_long(argc, argv, ":", options, NULL);
	if (flag != '?' && flag != ':')
		return flag;
	typed = argv[optind - 1];
	known = find_by_value(options, optopt);
	if (flag == ':' && known)
		command_fault(EXIT_USAGE, "%s: --%s needs a value", argv[0], known->name);
	else if (strncmp(typed, "--", 2) != 0)
		command_fault(EXIT_USAGE,
			      "%s: flags are spelled with two hyphens; `wrenn-events %s --help` "
			      "lists them",
			      argv[0], argv[0]);
	else if (known)
		command_fault(EXIT_USAGE, "%s: --%s takes no value", argv[0], known->name);
	else
		report_unknown(argv[0], typed, options);
	return '?';
}
