/* SPDX-License-Identifier: Apache-2.0 */

/* `channels snooze`: holds the messages of a channel, or those about one resource, for a while. */
#include <stdio.h>

#include "cli/channel_actions.h"
#include "cli/channel_ref.h"
#include "cli/show.h"

#define BODY_LIMIT 4096
#define PATH_SIZE  2048

static const char usage[] =
	"Usage: wrenn-events channels snooze CHANNEL --for TIME [OPTION...]\n"
	"       wrenn-events channels snooze CHANNEL --end [OPTION...]\n"
	"\n"
	"Holds the messages of a channel, or those about one resource. At the end one\n"
	"digest names what happened; webhooks get every event.\n"
	"\n"
	"  --for TIME         how long: 90s, 10m, 8h or 3d, at most 30 days\n"
	"  --until TIME       or until this time: 2026-12-01T08:00:00Z\n"
	"  --resource ID      only what is about this capsule, host or snapshot\n"
	"  --end              end the snooze now; what was held goes out\n" SERVICE_USAGE "\n"
	"Example: wrenn-events channels snooze ops --for 8h --resource web-7\n";

enum { SNOOZE_FOR = 'f', SNOOZE_UNTIL = 'u', SNOOZE_RESOURCE = 'r', SNOOZE_END = 'e' };

static const struct option options[] = {
	{ "for", required_argument, NULL, SNOOZE_FOR },
	{ "until", required_argument, NULL, SNOOZE_UNTIL },
	{ "resource", required_argument, NULL, SNOOZE_RESOURCE },
	{ "end", no_argument, NULL, SNOOZE_END },
	SERVICE_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

struct snooze_request {
	const char *span;
	const char *until;
	const char *resource;
	bool ends;
};

static int take_flag(void *owner, int flag, const char *value)
{
	struct snooze_request *request = owner;

	if (flag == SNOOZE_FOR)
		request->span = value;
	else if (flag == SNOOZE_UNTIL)
		request->until = value;
	else if (flag == SNOOZE_RESOURCE)
		request->resource = value;
	else
		request->ends = true;
	return EXIT_GOOD;
}

static int check(const struct snooze_request *request)
{
	int given = (request->span != NULL) + (request->until != NULL) + request->ends;

	if (given == 1)
		return EXIT_GOOD;
	return command_fault(EXIT_USAGE,
			     "channels snooze needs one of --for, --until and --end; see --help");
}

static int begin(struct service *service, const char *path, const struct snooze_request *request)
{
	struct buf body;
	int code;

	buf_init(&body, BODY_LIMIT);
	buf_add_char(&body, '{');
	if (request->span)
		json_add_member(&body, "for", str_of(request->span));
	else
		json_add_member(&body, "until", str_of(request->until));
	if (request->resource)
		json_add_member(&body, "resource", str_of(request->resource));
	buf_add_char(&body, '}');
	code = body.err ? command_fault(EXIT_USAGE, "the flags are too long")
			: service_ask(service, "POST", path, buf_str(&body));
	buf_done(&body);
	return code;
}

static int end(struct service *service, const char *path, const struct snooze_request *request)
{
	if (request->resource)
		service_add_query(service, "resource", request->resource);
	return service_ask_with_query(service, "DELETE", path, STR(""));
}

static int run(int argc, char **argv)
{
	struct snooze_request request = { .span = NULL };
	struct service_arguments arguments = {
		.options = options, .wanted = "CHANNEL", .take = take_flag, .owner = &request
	};
	struct service service;
	char path[PATH_SIZE];
	char id[ID_TEXT_SIZE];
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD)
		code = check(&request);
	if (code == EXIT_GOOD)
		code = channel_ref_find(&service, arguments.word, id);
	if (code == EXIT_GOOD) {
		snprintf(path, sizeof(path), "/v1/channels/%s/snooze", id);
		code = request.ends ? end(&service, path, &request)
				    : begin(&service, path, &request);
	}
	if (code == EXIT_GOOD)
		code = show_answer(&service);
	service_close(&service);
	return code;
}

const struct command channels_snooze_action = {
	.name = "snooze",
	.summary = "hold the messages of a channel for a while",
	.usage = usage,
	.run = run,
};
