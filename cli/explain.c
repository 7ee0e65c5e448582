/* SPDX-License-Identifier: Apache-2.0 */

/* `explain`: why an event went where. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/show.h"
#include "core/stream_id.h"

#define PATH_SIZE 128

static const char usage[] =
	"Usage: wrenn-events explain STREAM_ID [OPTION...]\n"
	"\n"
	"Says for each channel of the team whether it was notified of the event, and if\n"
	"not, why. STREAM_ID is what `publish` prints, `tail --json` shows as `id` and a\n"
	"message has in its last line.\n"
	"\n" SERVICE_USAGE "\n"
	"Example: wrenn-events explain 1795438213211-0\n";

static void add_channel(struct table *table, const cJSON *channel)
{
	struct str verdict = service_text(channel, "verdict");
	struct str detail = service_text(channel, "detail");

	if (detail.len == 0)
		detail = service_text(channel, "delivered_at");
	table_add(table, TONE_PLAIN, service_text(channel, "channel_id"));
	table_add(table, TONE_PLAIN, service_text(channel, "name"));
	table_add(table, show_tone(verdict), verdict);
	table_add(table, TONE_PLAIN, detail);
	table_end_row(table);
}

static int print(const struct service *service)
{
	static const char *const titles[] = { "CHANNEL", "NAME", "VERDICT", "DETAIL", NULL };
	const cJSON *channels = json_get(service->answer, "channels");
	const cJSON *channel;
	struct table table;
	int code;

	if (service->as_json)
		return show_answer(service);
	code = show_print(json_get(service->answer, "event"), NULL);
	table_init(&table);
	table_end_row(&table);
	table_add_head(&table, titles);
	for (channel = channels ? channels->child : NULL; channel; channel = channel->next)
		add_channel(&table, channel);
	if (code == EXIT_GOOD && channels && channels->child && !table_print(&table))
		code = command_fault(EXIT_FAILED, "out of memory");
	table_done(&table);
	return code;
}

static int run(int argc, char **argv)
{
	struct service_arguments arguments = { .options = service_options, .wanted = "STREAM_ID" };
	struct stream_id ignored;
	struct service service;
	char path[PATH_SIZE];
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD && stream_id_parse(str_of(arguments.word), &ignored) < 0)
		code = command_fault(EXIT_USAGE,
				     "explain: expected a stream id such as 1795438213211-0, got "
				     "\"%s\"",
				     arguments.word);
	if (code == EXIT_GOOD) {
		snprintf(path, sizeof(path), "/v1/events/%s/explain", arguments.word);
		code = service_ask(&service, "GET", path, STR(""));
	}
	if (code == EXIT_GOOD)
		code = print(&service);
	service_close(&service);
	return code;
}

const struct command explain_command = {
	.name = "explain",
	.summary = "say why an event went where",
	.usage = usage,
	.run = run,
};
