/* SPDX-License-Identifier: Apache-2.0 */

/* The table of commands and what they print about themselves. tools/manual makes the manual and the
 * completions from these texts. */
#include "app/help.h"

#include <string.h>

#include "app/serve.h"
#include "cli/actions.h"
#include "cli/output.h"
#include "config/config.h"
#include "core/event.h"
#include "providers/provider.h"

#define SETTINGS_LIMIT 65536

const struct command *const help_commands[] = {
	&serve_command,      &publish_command,  &tail_command,
	&wait_command,       &channels_command, &expectations_command,
	&deliveries_command, &explain_command,  &audit_command,
	&console_command,    &keys_command,     &teams_command,
	&sessions_command,   &doctor_command,   &backup_command,
	&restore_command,    &health_command,   NULL,
};

int help_refuse(const char *typed)
{
	struct buf hint;
	int code;

	buf_init(&hint, 256);
	command_add_suggestion(&hint, help_commands, typed);
	code = command_fault(
		EXIT_USAGE, "there is no command \"%s\"%.*s", typed,
		STR_ARGS(hint.len ? buf_str(&hint) : STR("; `wrenn-events help` lists them")));
	buf_done(&hint);
	return code;
}

void help_print_overview(FILE *out)
{
	fputs("Usage: wrenn-events COMMAND [OPTION...]\n\n"
	      "Turns the Redis stream wrenn:events into live Server-Sent Events, signed\n"
	      "notifications and an audit trail.\n\nCommands:\n",
	      out);
	for (const struct command *const *command = help_commands; *command; command++)
		fprintf(out, "  %-12s %s\n", (*command)->name, (*command)->summary);
	fputs("  help         this text, or COMMAND [ACTION], settings, kinds, providers\n\n"
	      "`wrenn-events COMMAND --help` explains one; `--version` names this one.\n\n"
	      "Exit codes of every command:\n"
	      "  0    success\n"
	      "  1    the answer was no, or the outcome was an error\n"
	      "  2    bad flags or settings, or the request was refused\n"
	      "  3    the service does not answer or denies access\n"
	      "  124  the time is up\n",
	      out);
}

static int print_settings(void)
{
	struct buf text;

	buf_init(&text, SETTINGS_LIMIT);
	buf_add_text(&text,
		     "Environment variables, or KEY=VALUE lines in the file of --config.\n\n");
	config_describe(&text);
	output_write(stdout, buf_str(&text));
	buf_done(&text);
	return EXIT_GOOD;
}

static int print_kinds(void)
{
	for (int kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++)
		if (event_kind_is_subscribable((enum event_kind)kind))
			puts(event_kind_name((enum event_kind)kind));
	return EXIT_GOOD;
}

static int print_providers(void)
{
	for (size_t i = 0; provider_at(i); i++)
		puts(provider_at(i)->name);
	return EXIT_GOOD;
}

/* `help channels create` is `channels create --help`. */
static int print_command(int argc, char **argv)
{
	const struct command *command = command_find(help_commands, argv[1]);
	const struct command *action = command && command->actions && argc > 2
					       ? command_find(command->actions, argv[2])
					       : NULL;

	if (!command)
		return help_refuse(argv[1]);
	if (!action && argc > 2)
		return command_fault(EXIT_USAGE, "%s: there is no action \"%s\"", argv[1], argv[2]);
	command_print_help(action ? action : command);
	return EXIT_GOOD;
}

int help_print(int argc, char **argv)
{
	if (argc < 2) {
		help_print_overview(stdout);
		return EXIT_GOOD;
	}

	if (strcmp(argv[1], "settings") == 0)
		return print_settings();
	if (strcmp(argv[1], "kinds") == 0)
		return print_kinds();
	if (strcmp(argv[1], "providers") == 0)
		return print_providers();
	return print_command(argc, argv);
}
