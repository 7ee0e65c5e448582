/* SPDX-License-Identifier: Apache-2.0 */

/* `channels create`: a new channel from flags, and its secrets from a prompt, a file or standard
 * input. */
#include "cli/channel_actions.h"
#include "cli/channel_form.h"
#include "cli/show.h"

static const char usage[] =
	"Usage: wrenn-events channels create --name NAME --provider PROVIDER [OPTION...]\n"
	"\n"
	"Adds a channel and prints it. A webhook's secret is shown only this once. Asks\n"
	"for the settings on a terminal; --settings reads them from a file. Secrets are\n"
	"not taken as arguments, which other users see in the list of processes.\n"
	"\n"
	"  --name NAME          what the channel is called\n"
	"  --provider PROVIDER  where it leads; `wrenn-events help providers` lists them\n"
	"  --event KIND         a kind or a prefix such as 'capsule.*'; may be repeated\n"
	"                       (all kinds)\n"
	"  --only-failures      only what failed\n"
	"  --filter RULE=WORD   rules are outcome, resource, template, reason and\n"
	"                       actor.type; repeat\n"
	"  --option NAME=JSON   an option of the API, such as fallback={...}; repeat\n"
	"  --settings FILE      NAME=VALUE lines or a JSON object; - is standard input\n"
	"  --set NAME=VALUE     a setting that is no secret, such as url or chat_id\n" SERVICE_USAGE
	"\n"
	"Example: wrenn-events channels create --name ops --provider slack --settings -\n";

static const struct option options[] = {
	{ "name", required_argument, NULL, FORM_NAME },
	{ "event", required_argument, NULL, FORM_EVENT },
	FORM_SETTINGS_OPTIONS,
	FORM_FILTER_OPTIONS,
	SERVICE_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static int complete(struct channel_form *form)
{
	if (!form->name)
		return command_fault(EXIT_USAGE, "channels create needs --name");
	if (!form->events && channel_form_take(form, FORM_EVENT, "*") != EXIT_GOOD)
		return EXIT_FAILED;
	return channel_form_complete(form, true);
}

static int run(int argc, char **argv)
{
	struct channel_form form = { .name = NULL };
	struct service_arguments arguments = { .options = options,
					       .take = channel_form_take,
					       .owner = &form };
	struct service service;
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD)
		code = complete(&form);
	if (code == EXIT_GOOD)
		code = channel_form_post(&form, &service, "/v1/channels");
	channel_form_done(&form);
	service_close(&service);
	return code;
}

const struct command channels_create_action = {
	.name = "create",
	.summary = "add a channel",
	.usage = usage,
	.run = run,
};
