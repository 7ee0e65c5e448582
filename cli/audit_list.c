/* SPDX-License-Identifier: Apache-2.0 */

/* `audit list`: the audit trail of a team, page by page. */
#include "cli/audit_actions.h"
#include "cli/show.h"

static const char usage[] =
	"Usage: wrenn-events audit list [OPTION...]\n"
	"\n"
	"Lists the audit trail, newest first: a table on a terminal, JSON lines\n"
	"otherwise.\n"
	"\n"
	"  --action ACTION         such as create, pause or destroy; may be repeated\n"
	"  --resource-type TYPE    such as sandbox, snapshot or channel; may be repeated\n"
	"  --limit N               at most so many (50)\n" SERVICE_USAGE "\n"
	"Example: wrenn-events audit list --resource-type channel --limit 10\n";

static void add_entry(struct table *table, const cJSON *entry, const void *owner)
{
	static const char *const actors[] = { "actor_name", "actor_id", "actor_type" };
	struct str status = service_text(entry, "status");
	struct str actor = STR("");
	struct buf metadata;

	(void)owner;
	for (size_t i = 0; i < ARRAY_LEN(actors) && actor.len == 0; i++)
		actor = service_text(entry, actors[i]);
	buf_init(&metadata, 65536);
	if (json_get(entry, "metadata"))
		show_add_value(&metadata, json_get(entry, "metadata"));
	table_add(table, TONE_PLAIN, service_text(entry, "created_at"));
	table_add(table, TONE_PLAIN, actor);
	table_add(table, TONE_PLAIN, service_text(entry, "action"));
	table_add(table, TONE_PLAIN, service_text(entry, "resource_type"));
	table_add(table, TONE_PLAIN, service_text(entry, "resource_id"));
	table_add(table, show_tone(status), status);
	table_add(table, TONE_PLAIN, buf_str(&metadata));
	buf_done(&metadata);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "action", required_argument, NULL, SERVICE_PARAMETER },
		{ "resource-type", required_argument, NULL, SERVICE_PARAMETER + 1 },
		{ "limit", required_argument, NULL, SERVICE_LIMIT },
		SERVICE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	static const char *const titles[] = { "TIME",     "WHO",    "ACTION",  "TYPE",
					      "RESOURCE", "STATUS", "DETAILS", NULL };
	static const struct service_list list = {
		.path = "/v1/audit-logs",
		.titles = titles,
		.add_row = add_entry,
		.nothing = "there are no such entries",
	};
	struct service_arguments arguments = { .options = options };
	struct service service;
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD)
		code = service_print_list(&service, &list);
	service_close(&service);
	return code;
}

const struct command audit_list_action = {
	.name = "list",
	.summary = "list the audit trail",
	.usage = usage,
	.run = run,
};
