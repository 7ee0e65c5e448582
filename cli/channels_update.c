/* SPDX-License-Identifier: Apache-2.0 */

/* `channels update`: what a channel gets and when. The API needs name and kinds with every change,
 * so the command first reads those that were not typed. */
#include <stdio.h>

#include "cli/channel_actions.h"
#include "cli/channel_form.h"
#include "cli/channel_ref.h"
#include "cli/show.h"

#define PATH_SIZE  128
#define BODY_LIMIT 65536

static const char usage[] =
	"Usage: wrenn-events channels update CHANNEL [OPTION...]\n"
	"\n"
	"Changes what a channel gets and when, and prints it. What is not named stays.\n"
	"Kinds, and the rules of a filter, are replaced as a whole.\n"
	"\n"
	"  --name NAME          a new name\n"
	"  --event KIND         a kind or a prefix such as 'capsule.*'; may be repeated\n"
	"  --only-failures      only what failed\n"
	"  --filter RULE=WORD   rules are outcome, resource, template, reason and\n"
	"                       actor.type; repeat\n"
	"  --option NAME=JSON   an option of the API: living=true, quiet={...},\n"
	"                       fallback={...}; filter=null removes one; repeat\n" SERVICE_USAGE
	"\n"
	"Example: wrenn-events channels update ops --only-failures --option living=true\n";

static const struct option options[] = {
	{ "name", required_argument, NULL, FORM_NAME },
	{ "event", required_argument, NULL, FORM_EVENT },
	FORM_FILTER_OPTIONS,
	SERVICE_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static int check(const struct channel_form *form)
{
	if (form->name || form->events || form->filter || form->options)
		return EXIT_GOOD;
	return command_fault(EXIT_USAGE,
			     "channels update: say what to change, such as --event or --option");
}

/* `channel` must live as long as the form. */
static int keep_the_rest(struct channel_form *form, const cJSON *channel)
{
	if (!form->name)
		form->name = json_get_string(channel, "name");
	if (!form->events)
		form->events = cJSON_Duplicate(json_get(channel, "events"), true);
	if (form->name && form->events)
		return EXIT_GOOD;
	return command_fault(EXIT_FAILED, "the service's answer has no channel");
}

static int update(struct service *service, struct channel_form *form, const char *id)
{
	char path[PATH_SIZE];
	struct buf body;
	int code;

	snprintf(path, sizeof(path), "/v1/channels/%s", id);
	code = service_ask(service, "GET", path, STR(""));
	if (code == EXIT_GOOD)
		code = keep_the_rest(form, service->answer);
	if (code != EXIT_GOOD)
		return code;
	buf_init(&body, BODY_LIMIT);
	buf_add_char(&body, '{');
	channel_form_add_members(form, &body);
	buf_add_char(&body, '}');
	code = body.err ? command_fault(EXIT_FAILED, "out of memory")
			: service_ask(service, "PATCH", path, buf_str(&body));
	buf_done(&body);
	return code == EXIT_GOOD ? show_answer(service) : code;
}

static int run(int argc, char **argv)
{
	struct channel_form form = { .name = NULL };
	struct service_arguments arguments = {
		.options = options, .wanted = "CHANNEL", .take = channel_form_take, .owner = &form
	};
	struct service service;
	char id[ID_TEXT_SIZE];
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD)
		code = check(&form);
	if (code == EXIT_GOOD)
		code = channel_ref_find(&service, arguments.word, id);
	if (code == EXIT_GOOD)
		code = update(&service, &form, id);
	channel_form_done(&form);
	service_close(&service);
	return code;
}

const struct command channels_update_action = {
	.name = "update",
	.summary = "change what a channel gets and when",
	.usage = usage,
	.run = run,
};
