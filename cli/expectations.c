/* SPDX-License-Identifier: Apache-2.0 */

/* `expectations`: events whose absence a team wants to hear of. expectations_create.c has the
 * action that takes a rule. */
#include <stdio.h>

#include "cli/expectation_actions.h"
#include "cli/items.h"
#include "cli/output.h"
#include "cli/show.h"

static const char usage[] =
	"Usage: wrenn-events expectations ACTION [OPTION...]\n"
	"\n"
	"Rules of a team: after one event, another about the same resource within a time.\n"
	"If it does not come, channels with `wrenn.expectation.missed` hear of it once.\n";

static const char list_usage[] =
	"Usage: wrenn-events expectations list [OPTION...]\n"
	"\n"
	"Lists the rules, with how many resources each waits for and how many misses were\n"
	"not taken back: a table on a terminal, JSON lines otherwise.\n"
	"\n" SERVICE_USAGE "\n"
	"Example: wrenn-events expectations list\n";

static const char show_usage[] = "Usage: wrenn-events expectations show NAME [OPTION...]\n"
				 "\n"
				 "Shows one rule.\n"
				 "\n" SERVICE_USAGE "\n"
				 "Example: wrenn-events expectations show snapshots\n";

static const char delete_usage[] =
	"Usage: wrenn-events expectations delete NAME [OPTION...]\n"
	"\n"
	"Deletes a rule and forgets what it waited for. Prints nothing.\n"
	"\n" CLIENT_USAGE "\n"
	"Example: wrenn-events expectations delete snapshots\n";

/* ---- all --------------------------------------------------------------------------------- */

static void add_value(struct table *table, const cJSON *value)
{
	struct buf text;

	buf_init(&text, 65536);
	if (value)
		show_add_value(&text, value);
	table_add(table, TONE_PLAIN, buf_str(&text));
	buf_done(&text);
}

static void add_rule(struct table *table, const cJSON *rule, const void *owner)
{
	(void)owner;
	table_add(table, TONE_PLAIN, service_text(rule, "name"));
	add_value(table, json_get(rule, "within_s"));
	add_value(table, json_get(rule, "waiting"));
	add_value(table, json_get(rule, "missed"));
	add_value(table, json_get(rule, "after"));
	add_value(table, json_get(rule, "without"));
}

static int run_list(int argc, char **argv)
{
	static const char *const titles[] = { "NAME",  "SECONDS", "WAITING", "MISSED",
					      "AFTER", "WITHOUT", NULL };
	static const struct service_list list = {
		.path = EXPECTATIONS_PATH,
		.titles = titles,
		.add_row = add_rule,
		.nothing =
			"the team expects nothing; `wrenn-events expectations create` adds a rule",
	};
	struct service_arguments arguments = { .options = service_options };
	struct service service;
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD)
		code = service_print_list(&service, &list);
	service_close(&service);
	return code;
}

/* ---- one --------------------------------------------------------------------------------- */

/* The API offers only a list of them. */
static int print_rule(const struct service *service, const char *name)
{
	struct str list = items_find(buf_str(&service->body));
	const cJSON *items = json_get(service->answer, "items");
	const cJSON *item = items ? items->child : NULL;
	struct str text;

	for (; item && items_next(&list, &text); item = item->next) {
		if (!str_is(service_text(item, "name"), name))
			continue;
		if (!service->as_json)
			return show_print(item, NULL);
		output_write(stdout, text);
		output_write(stdout, STR("\n"));
		return EXIT_GOOD;
	}
	return command_fault(EXIT_FAILED,
			     "there is no expectation \"%s\"; `wrenn-events expectations list` "
			     "shows them",
			     name);
}

static int run_show(int argc, char **argv)
{
	struct service_arguments arguments = { .options = service_options, .wanted = "NAME" };
	struct service service;
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD)
		code = service_ask(&service, "GET", EXPECTATIONS_PATH, STR(""));
	if (code == EXIT_GOOD)
		code = print_rule(&service, arguments.word);
	service_close(&service);
	return code;
}

static int run_delete(int argc, char **argv)
{
	static const struct option options[] = { CLIENT_OPTIONS, { NULL, 0, NULL, 0 } };
	struct service_arguments arguments = { .options = options, .wanted = "NAME" };
	struct service service;
	char path[EXPECTATION_PATH_SIZE];
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD)
		code = expectation_path(arguments.word, path);
	if (code == EXIT_GOOD)
		code = service_ask(&service, "DELETE", path, STR(""));
	service_close(&service);
	return code;
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct command list_action = {
	.name = "list",
	.summary = "list the rules of the team",
	.usage = list_usage,
	.run = run_list,
};

static const struct command show_action = {
	.name = "show",
	.summary = "show one rule",
	.usage = show_usage,
	.run = run_show,
};

static const struct command delete_action = {
	.name = "delete",
	.summary = "delete a rule",
	.usage = delete_usage,
	.run = run_delete,
};

static const struct command *const actions[] = {
	&list_action, &show_action, &expectations_create_action, &delete_action, NULL,
};

const struct command expectations_command = {
	.name = "expectations",
	.summary = "hear of what does not come in time",
	.usage = usage,
	.actions = actions,
	.example = "wrenn-events expectations create hosts --form host",
};
