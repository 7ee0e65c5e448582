/* SPDX-License-Identifier: Apache-2.0 */

/* `deliveries`: what a channel was sent, one delivery with its attempts, and sending again. */
#include <stdio.h>

#include "cli/channel_ref.h"
#include "cli/command.h"
#include "cli/held.h"
#include "cli/output.h"
#include "cli/show.h"

#define PATH_SIZE  128
#define BODY_LIMIT 4096

static const char usage[] = "Usage: wrenn-events deliveries ACTION [OPTION...]\n"
			    "\n"
			    "What channels were sent, what came of it, and sending it again.\n";

static const char list_usage[] =
	"Usage: wrenn-events deliveries list CHANNEL [OPTION...]\n"
	"\n"
	"Lists the deliveries of a channel, newest first. Finished ones are kept for\n"
	"seven days. CHANNEL is an id or a name.\n"
	"\n"
	"  --state STATE      pending, delivered, failed, dropped or folded; may be\n"
	"                     repeated\n"
	"  --event KIND       a kind, or notification.digest; may be repeated\n"
	"  --since WHEN       made then or later: how long ago (90s, 2h, 3d) or a time\n"
	"  --until WHEN       made before then\n"
	"  --limit N          at most so many (50)\n" SERVICE_USAGE "\n"
	"Example: wrenn-events deliveries list ops --state failed --since 2h\n";

static const char show_usage[] =
	"Usage: wrenn-events deliveries show DELIVERY [OPTION...]\n"
	"\n"
	"Shows a delivery, what it sends and each attempt with the answer. DELIVERY is\n"
	"the UUID that `deliveries list` shows and that a webhook gets as webhook-id.\n"
	"\n" SERVICE_USAGE "\n"
	"Example: wrenn-events deliveries show b7638eff-f38f-5543-a988-3ec94b0a4fb5\n";

static const char redeliver_usage[] =
	"Usage: wrenn-events deliveries redeliver DELIVERY [OPTION...]\n"
	"\n"
	"Sends a delivery again, under the same id, so that receivers recognise it.\n"
	"\n" SERVICE_USAGE "\n"
	"Example: wrenn-events deliveries redeliver b7638eff-f38f-5543-a988-3ec94b0a4fb5\n";

static const char recover_usage[] =
	"Usage: wrenn-events deliveries recover CHANNEL [OPTION...]\n"
	"\n"
	"Sends again what a channel missed: failed and dropped deliveries, oldest first,\n"
	"under their old ids. Prints how many, at most 100,000, and if more are left.\n"
	"\n"
	"  --state STATE      only what `failed` or was `dropped`\n"
	"  --since WHEN       made then or later: how long ago or a time (24h)\n"
	"  --until WHEN       made before then\n" SERVICE_USAGE "\n"
	"Example: wrenn-events deliveries recover ops --since 2d\n";

/* ---- list -------------------------------------------------------------------------------- */

/* `owner` is the options of the channel. */
static void add_delivery(struct table *table, const cJSON *delivery, const void *owner)
{
	struct str state = service_text(delivery, "state");
	struct str outcome = service_text(delivery, "outcome");
	char held[CHANNEL_HOLD_WORDS_SIZE];
	struct buf attempts;

	buf_init(&attempts, 64);
	show_add_value(&attempts, json_get(delivery, "attempts"));
	table_add(table, TONE_PLAIN, service_text(delivery, "id"));
	table_add(table, TONE_PLAIN, service_text(delivery, "created_at"));
	table_add(table, TONE_PLAIN, service_text(delivery, "event"));
	table_add(table, show_tone(outcome), outcome);
	table_add(table, TONE_PLAIN, service_text(delivery, "resource"));
	table_add(table, show_tone(state), held_text(owner, delivery, held) ? str_of(held) : state);
	table_add(table, TONE_PLAIN, buf_str(&attempts));
	table_add(table, TONE_PLAIN, service_text(delivery, "last_error"));
	buf_done(&attempts);
}

/* The words need the zone of the channel's quiet hours. Programs have the time. */
static int read_options(struct service *service, const char *id, struct channel_options **out)
{
	char path[PATH_SIZE];
	int code;

	snprintf(path, sizeof(path), "/v1/channels/%s", id);
	code = service->as_json ? EXIT_GOOD : service_ask(service, "GET", path, STR(""));
	if (code == EXIT_GOOD && !service->as_json)
		*out = held_options(buf_str(&service->body));
	return code;
}

static int print_list(struct service *service, const char *id)
{
	static const char *const titles[] = { "ID",      "CREATED",    "EVENT",
					      "OUTCOME", "RESOURCE",   "STATE",
					      "TRIES",   "LAST ERROR", NULL };
	struct channel_options *options = NULL;
	char path[PATH_SIZE];
	struct service_list list = {
		.path = path,
		.titles = titles,
		.add_row = add_delivery,
		.nothing = "there are no such deliveries",
	};

	int code = read_options(service, id, &options);

	list.owner = options;
	snprintf(path, sizeof(path), "/v1/channels/%s/deliveries", id);
	if (code == EXIT_GOOD)
		code = service_print_list(service, &list);
	channel_options_close(options);
	return code;
}

static int run_list(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, SERVICE_PARAMETER },
		{ "event", required_argument, NULL, SERVICE_PARAMETER + 1 },
		{ "since", required_argument, NULL, SERVICE_PARAMETER + 2 },
		{ "until", required_argument, NULL, SERVICE_PARAMETER + 3 },
		{ "limit", required_argument, NULL, SERVICE_LIMIT },
		SERVICE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct service_arguments arguments = { .options = options, .wanted = "CHANNEL" };
	struct service service;
	char id[ID_TEXT_SIZE];
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD)
		code = channel_ref_find(&service, arguments.word, id);
	if (code == EXIT_GOOD)
		code = print_list(&service, id);
	service_close(&service);
	return code;
}

/* ---- one delivery ------------------------------------------------------------------------ */

/* Opens the service and writes the path of the delivery. */
static int open_for_delivery(struct service *service, int argc, char **argv, const char *rest,
			     char path[PATH_SIZE])
{
	struct service_arguments arguments = { .options = service_options, .wanted = "DELIVERY" };
	struct uuid ignored;
	int code = service_open(service, argc, argv, &arguments);

	if (code == EXIT_GOOD && uuid_parse(str_of(arguments.word), &ignored) < 0)
		code = command_fault(EXIT_USAGE,
				     "%s: expected the UUID of a delivery, got \"%s\"; "
				     "`wrenn-events deliveries list CHANNEL` shows them",
				     argv[0], arguments.word);
	if (code == EXIT_GOOD)
		snprintf(path, PATH_SIZE, "/v1/deliveries/%s%s", arguments.word, rest);
	return code;
}

static void add_attempt(struct table *table, const cJSON *attempt)
{
	static const char *const numbers[] = { "number", "duration_ms", "status" };
	struct buf texts[ARRAY_LEN(numbers)];
	struct str verdict = service_text(attempt, "verdict");

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const cJSON *value = json_get(attempt, numbers[i]);

		buf_init(&texts[i], 64);
		if (value)
			show_add_value(&texts[i], value);
	}
	table_add(table, TONE_PLAIN, buf_str(&texts[0]));
	table_add(table, TONE_PLAIN, service_text(attempt, "started_at"));
	table_add(table, TONE_PLAIN, buf_str(&texts[1]));
	table_add(table, TONE_PLAIN, buf_str(&texts[2]));
	table_add(table, show_tone(verdict), verdict);
	table_add(table, TONE_PLAIN, service_text(attempt, "detail"));
	table_end_row(table);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		buf_done(&texts[i]);
}

static int print_delivery(const struct service *service)
{
	static const char *const titles[] = { "TRY",     "STARTED", "MS", "STATUS",
					      "VERDICT", "DETAIL",  NULL };
	struct table table;
	const cJSON *attempts = json_get(service->answer, "attempts");
	const cJSON *attempt;
	int code;

	if (service->as_json)
		return show_answer(service);
	code = show_print(service->answer, "attempts");
	table_init(&table);
	table_end_row(&table);
	table_add_head(&table, titles);
	for (attempt = attempts ? attempts->child : NULL; attempt; attempt = attempt->next)
		add_attempt(&table, attempt);
	if (code == EXIT_GOOD && !table_print(&table))
		code = command_fault(EXIT_FAILED, "out of memory");
	table_done(&table);
	return code;
}

/* Replaces the delivery's state by the same words that the list has. */
static int word_state(struct service *service)
{
	struct channel_options *options = NULL;
	cJSON *delivery = service->answer;
	char held[CHANNEL_HOLD_WORDS_SIZE];
	int code;

	if (!json_get_string(delivery, "held_until"))
		return EXIT_GOOD;
	service->answer = NULL;
	code = read_options(service, service_text(delivery, "channel_id").at, &options);
	if (code == EXIT_GOOD && held_text(options, delivery, held))
		cJSON_ReplaceItemInObjectCaseSensitive(delivery, "state", cJSON_CreateString(held));
	cJSON_Delete(service->answer);
	service->answer = delivery;
	channel_options_close(options);
	return code;
}

static int run_show(int argc, char **argv)
{
	struct service service;
	char path[PATH_SIZE];
	int code = open_for_delivery(&service, argc, argv, "", path);

	if (code == EXIT_GOOD)
		code = service_ask(&service, "GET", path, STR(""));
	if (code == EXIT_GOOD && !service.as_json)
		code = word_state(&service);
	if (code == EXIT_GOOD)
		code = print_delivery(&service);
	service_close(&service);
	return code;
}

static int run_redeliver(int argc, char **argv)
{
	struct service service;
	char path[PATH_SIZE];
	int code = open_for_delivery(&service, argc, argv, "/redeliver", path);

	if (code == EXIT_GOOD)
		code = service_ask(&service, "POST", path, STR(""));
	if (code == EXIT_GOOD)
		code = show_answer(&service);
	service_close(&service);
	return code;
}

/* ---- recover ----------------------------------------------------------------------------- */

static int take_range(void *owner, int flag, const char *value)
{
	struct buf *body = owner;

	json_add_member(body,
			flag == 's'   ? "since"
			: flag == 'u' ? "until"
				      : "state",
			str_of(value));
	return EXIT_GOOD;
}

static int recover(struct service *service, const char *id, struct buf *body)
{
	char path[PATH_SIZE];
	int code;

	snprintf(path, sizeof(path), "/v1/channels/%s/recover", id);
	buf_add_char(body, '}');
	code = body->err ? command_fault(EXIT_USAGE, "the flags are too long")
			 : service_ask(service, "POST", path, buf_str(body));
	return code == EXIT_GOOD ? show_answer(service) : code;
}

static int run_recover(int argc, char **argv)
{
	static const struct option options[] = { { "since", required_argument, NULL, 's' },
						 { "until", required_argument, NULL, 'u' },
						 { "state", required_argument, NULL, 't' },
						 SERVICE_OPTIONS,
						 { NULL, 0, NULL, 0 } };
	struct buf body;
	struct service_arguments arguments = {
		.options = options, .wanted = "CHANNEL", .take = take_range, .owner = &body
	};
	struct service service;
	char id[ID_TEXT_SIZE];
	int code;

	buf_init(&body, BODY_LIMIT);
	buf_add_char(&body, '{');
	code = service_open(&service, argc, argv, &arguments);
	if (code == EXIT_GOOD)
		code = channel_ref_find(&service, arguments.word, id);
	if (code == EXIT_GOOD)
		code = recover(&service, id, &body);
	buf_done(&body);
	service_close(&service);
	return code;
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct command list_action = {
	.name = "list",
	.summary = "list the deliveries of a channel",
	.usage = list_usage,
	.run = run_list,
};

static const struct command show_action = {
	.name = "show",
	.summary = "show a delivery with its attempts",
	.usage = show_usage,
	.run = run_show,
};

static const struct command redeliver_action = {
	.name = "redeliver",
	.summary = "send a delivery again",
	.usage = redeliver_usage,
	.run = run_redeliver,
};

static const struct command recover_action = {
	.name = "recover",
	.summary = "send again what a channel missed",
	.usage = recover_usage,
	.run = run_recover,
};

static const struct command *const actions[] = {
	&list_action, &show_action, &redeliver_action, &recover_action, NULL,
};

const struct command deliveries_command = {
	.name = "deliveries",
	.summary = "see what was sent, and send it again",
	.usage = usage,
	.actions = actions,
	.example = "wrenn-events deliveries list ops --state failed",
};
