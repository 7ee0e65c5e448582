/* SPDX-License-Identifier: Apache-2.0 */

/* `channels`: the notification channels of a team. The actions that take more are in
 * files of their own. */
#include <stdio.h>

#include "cli/channel_actions.h"
#include "cli/channel_ref.h"
#include "cli/held.h"
#include "cli/output.h"
#include "cli/show.h"

#define PATH_SIZE 128

static const char usage[] = "Usage: wrenn-events channels ACTION [OPTION...]\n"
			    "\n"
			    "The notification channels of a team. CHANNEL is an id or a name.\n";

static const char list_usage[] =
	"Usage: wrenn-events channels list [OPTION...]\n"
	"\n"
	"Lists the channels of the team, newest first: a table on a terminal, JSON lines\n"
	"otherwise.\n"
	"\n" SERVICE_USAGE "\n"
	"Example: wrenn-events channels list\n";

static const char show_usage[] =
	"Usage: wrenn-events channels show CHANNEL [OPTION...]\n"
	"\n"
	"Shows a channel and its health: what it wants, whether its destination answers\n"
	"and what waits. No setting is ever shown. As JSON, `health` is a member.\n"
	"\n" SERVICE_USAGE "\n"
	"Example: wrenn-events channels show ops\n";

static const char enable_usage[] =
	"Usage: wrenn-events channels enable CHANNEL [OPTION...]\n"
	"\n"
	"Enables a channel that was disabled after its destination refused everything.\n"
	"\n"
	"  --backlog WHAT     `deliver` what waited (the default) or `skip` it\n" SERVICE_USAGE "\n"
	"Example: wrenn-events channels enable ch-bdk8c9w40psvyexy8o50f6zy1\n";

static const char delete_usage[] =
	"Usage: wrenn-events channels delete CHANNEL [OPTION...]\n"
	"\n"
	"Deletes a channel. What waits for it is dropped, and its deliveries can no\n"
	"longer be seen. Prints nothing.\n"
	"\n" CLIENT_USAGE "\n"
	"Example: wrenn-events channels delete ch-bdk8c9w40psvyexy8o50f6zy1\n";

/* ---- list -------------------------------------------------------------------------------- */

static void add_channel(struct table *table, const cJSON *channel, const void *owner)
{
	bool disabled = cJSON_IsTrue(json_get(channel, "disabled"));
	struct buf events;

	(void)owner;
	buf_init(&events, 65536);
	show_add_value(&events, json_get(channel, "events"));
	table_add(table, TONE_PLAIN, service_text(channel, "id"));
	table_add(table, TONE_PLAIN, service_text(channel, "name"));
	table_add(table, TONE_PLAIN, service_text(channel, "provider"));
	table_add(table, disabled ? TONE_BAD : TONE_GOOD,
		  disabled ? STR("disabled") : STR("enabled"));
	table_add(table, TONE_PLAIN, buf_str(&events));
	buf_done(&events);
}

static int run_list(int argc, char **argv)
{
	static const char *const titles[] = { "ID", "NAME", "PROVIDER", "STATE", "EVENTS", NULL };
	static const struct service_list list = {
		.path = "/v1/channels",
		.titles = titles,
		.add_row = add_channel,
		.nothing = "the team has no channels; `wrenn-events channels create` adds one",
	};
	struct service_arguments arguments = { .options = service_options };
	struct service service;
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD)
		code = service_print_list(&service, &list);
	service_close(&service);
	return code;
}

/* ---- one channel ------------------------------------------------------------------------- */

static int ask_about(struct service *service, const char *method, const char *id, const char *rest)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/v1/channels/%s%s", id, rest);
	return service_ask(service, method, path, STR(""));
}

/* {"id":...} becomes {"id":...,"health":{...}}. */
static void print_with_health(struct str channel, struct str health)
{
	channel.len--;
	output_write(stdout, channel);
	output_write(stdout, STR(",\"health\":"));
	output_write(stdout, health);
	output_write(stdout, STR("}\n"));
}

static void add_held(struct table *table, struct str channel, const cJSON *health)
{
	struct channel_options *options = held_options(channel);
	char words[CHANNEL_HOLD_WORDS_SIZE];

	if (held_text(options, json_get(health, "backlog"), words)) {
		table_add(table, TONE_HEAD, STR("messages"));
		table_add(table, TONE_WARNING, str_of(words));
		table_end_row(table);
	}
	channel_options_close(options);
}

/* The reason why it is disabled is part of its health, too. */
static int print_both(struct str text, const cJSON *channel, const cJSON *health)
{
	struct table table;
	int code = EXIT_GOOD;

	table_init(&table);
	show_add(&table, channel, "disabled_reason");
	show_add(&table, health, NULL);
	add_held(&table, text, health);
	if (!table_print(&table))
		code = command_fault(EXIT_FAILED, "out of memory");
	table_done(&table);
	return code;
}

static int show_channel(struct service *service, const char *id)
{
	struct buf channel = { 0 };
	cJSON *tree = NULL;
	int code = ask_about(service, "GET", id, "");

	if (code != EXIT_GOOD)
		return code;
	channel = service->body;
	tree = service->answer;
	buf_init(&service->body, channel.limit);
	service->answer = NULL;
	code = ask_about(service, "GET", id, "/health");
	if (code == EXIT_GOOD && service->as_json) {
		print_with_health(str_trim(buf_str(&channel)), str_trim(buf_str(&service->body)));
	} else if (code == EXIT_GOOD) {
		code = print_both(buf_str(&channel), tree, service->answer);
	}
	cJSON_Delete(tree);
	buf_done(&channel);
	return code;
}

/* Reads the words and finds the channel. */
static int open_for_channel(struct service *service, int argc, char **argv,
			    struct service_arguments *arguments, char out_id[ID_TEXT_SIZE])
{
	int code = service_open(service, argc, argv, arguments);

	return code == EXIT_GOOD ? channel_ref_find(service, arguments->word, out_id) : code;
}

static int run_show(int argc, char **argv)
{
	struct service_arguments arguments = { .options = service_options, .wanted = "CHANNEL" };
	struct service service;
	char id[ID_TEXT_SIZE];
	int code = open_for_channel(&service, argc, argv, &arguments, id);

	if (code == EXIT_GOOD)
		code = show_channel(&service, id);
	service_close(&service);
	return code;
}

/* ---- changes ----------------------------------------------------------------------------- */

static int take_backlog(void *owner, int flag, const char *value)
{
	const char **backlog = owner;

	(void)flag;
	if (strcmp(value, "deliver") != 0 && strcmp(value, "skip") != 0)
		return command_fault(EXIT_USAGE, "--backlog: expected deliver or skip, got \"%s\"",
				     value);
	*backlog = value;
	return EXIT_GOOD;
}

static int enable_channel(struct service *service, const char *id, const char *backlog)
{
	char path[PATH_SIZE];
	char body[64];
	int code;

	snprintf(path, sizeof(path), "/v1/channels/%s/enable", id);
	snprintf(body, sizeof(body), "{\"backlog\":\"%s\"}", backlog);
	code = service_ask(service, "POST", path, str_of(body));
	return code == EXIT_GOOD ? show_answer(service) : code;
}

static int run_enable(int argc, char **argv)
{
	static const struct option options[] = { { "backlog", required_argument, NULL, 'b' },
						 SERVICE_OPTIONS,
						 { NULL, 0, NULL, 0 } };
	const char *backlog = "deliver";
	struct service_arguments arguments = {
		.options = options, .wanted = "CHANNEL", .take = take_backlog, .owner = &backlog
	};
	struct service service;
	char id[ID_TEXT_SIZE];
	int code = open_for_channel(&service, argc, argv, &arguments, id);

	if (code == EXIT_GOOD)
		code = enable_channel(&service, id, backlog);
	service_close(&service);
	return code;
}

static int run_delete(int argc, char **argv)
{
	static const struct option options[] = { CLIENT_OPTIONS, { NULL, 0, NULL, 0 } };
	struct service_arguments arguments = { .options = options, .wanted = "CHANNEL" };
	struct service service;
	char id[ID_TEXT_SIZE];
	int code = open_for_channel(&service, argc, argv, &arguments, id);

	if (code == EXIT_GOOD)
		code = ask_about(&service, "DELETE", id, "");
	service_close(&service);
	return code;
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct command list_action = {
	.name = "list",
	.summary = "list the channels of the team",
	.usage = list_usage,
	.run = run_list,
};

static const struct command show_action = {
	.name = "show",
	.summary = "show a channel and its health",
	.usage = show_usage,
	.run = run_show,
};

static const struct command enable_action = {
	.name = "enable",
	.summary = "enable a channel that was disabled",
	.usage = enable_usage,
	.run = run_enable,
};

static const struct command delete_action = {
	.name = "delete",
	.summary = "delete a channel",
	.usage = delete_usage,
	.run = run_delete,
};

static const struct command *const actions[] = {
	&list_action,
	&show_action,
	&channels_create_action,
	&channels_update_action,
	&channels_preview_action,
	&channels_test_action,
	&enable_action,
	&channels_snooze_action,
	&delete_action,
	NULL,
};

const struct command channels_command = {
	.name = "channels",
	.summary = "list, create, change and try out notification channels",
	.usage = usage,
	.actions = actions,
	.example = "wrenn-events channels show ops",
};
