/* SPDX-License-Identifier: Apache-2.0 */

/* `channels test` and `channels preview`: settings and messages before there is a channel. */
#include <stdio.h>
#include <string.h>

#include "cli/channel_actions.h"
#include "cli/channel_form.h"
#include "cli/channel_ref.h"
#include "cli/held.h"
#include "cli/output.h"
#include "cli/show.h"

#define BODY_LIMIT 65536
#define PATH_SIZE  128

enum { FORM_DIGEST = 'd', PREVIEW_EVENT = 'e' };

static const char test_usage[] =
	"Usage: wrenn-events channels test --provider PROVIDER [OPTION...]\n"
	"\n"
	"Sends \"Wrenn can reach this channel\" with these settings and stores nothing.\n"
	"Exit code: 0 if the destination took it, 1 if it did not. Asks for the settings\n"
	"on a terminal.\n"
	"\n"
	"  --provider PROVIDER  where it leads; `wrenn-events help providers` lists them\n"
	"  --settings FILE      NAME=VALUE lines or a JSON object; - is standard input\n"
	"  --set NAME=VALUE     a setting that is no secret, such as url or chat_id\n"
	"  --name NAME          what the message calls the channel\n" SERVICE_USAGE "\n"
	"Example: wrenn-events channels test --provider slack --settings -\n";

static const char preview_usage[] =
	"Usage: wrenn-events channels preview [CHANNEL] [OPTION...]\n"
	"\n"
	"Shows the message of a sample event and sends nothing: for the provider and the\n"
	"options of a channel, or for those of the flags.\n"
	"\n"
	"  --provider PROVIDER  where it would lead, without a channel\n"
	"  --event KIND         what happens (capsule.create)\n"
	"  --digest             many events in one message instead\n"
	"  --only-failures      whether the filter of failures lets it through\n"
	"  --filter RULE=WORD   rules are outcome, resource, template, reason and\n"
	"                       actor.type; may be repeated\n"
	"  --option NAME=JSON   an option of the API, such as fallback={...}\n" SERVICE_USAGE "\n"
	"Example: wrenn-events channels preview --provider slack --event capsule.destroy\n";

/* ---- test -------------------------------------------------------------------------------- */

static int run_test(int argc, char **argv)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, FORM_NAME },
		FORM_SETTINGS_OPTIONS,
		SERVICE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct channel_form form = { .name = NULL };
	struct service_arguments arguments = { .options = options,
					       .take = channel_form_take,
					       .owner = &form };
	struct service service;
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD)
		code = channel_form_complete(&form, true);
	if (code == EXIT_GOOD)
		code = channel_form_post(&form, &service, "/v1/channels/test");
	channel_form_done(&form);
	service_close(&service);
	return code;
}

/* ---- preview ----------------------------------------------------------------------------- */

struct preview_request {
	struct channel_form form;
	const char *event;
	bool is_digest;
};

static int take_preview_flag(void *owner, int flag, const char *value)
{
	struct preview_request *preview = owner;

	if (flag == FORM_DIGEST)
		preview->is_digest = true;
	else if (flag == PREVIEW_EVENT)
		preview->event = value;
	else
		return channel_form_take(&preview->form, flag, value);
	return EXIT_GOOD;
}

static const char *const option_names[] = { "filter", "quiet", "living", "fallback" };

/* Flags replace the channel's own values. */
static int add_option(struct channel_form *form, const char *name, const cJSON *value)
{
	cJSON *copy;

	if (!value || json_get(form->options, name) ||
	    (form->filter && strcmp(name, "filter") == 0))
		return EXIT_GOOD;
	if (!form->options)
		form->options = cJSON_CreateObject();
	copy = cJSON_Duplicate(value, true);
	if (copy && cJSON_AddItemToObject(form->options, name, copy))
		return EXIT_GOOD;
	cJSON_Delete(copy);
	return command_fault(EXIT_FAILED, "out of memory");
}

/* Reads provider and options of an existing channel. */
static int take_channel(struct service *service, struct preview_request *preview, const char *typed)
{
	char id[ID_TEXT_SIZE];
	char path[PATH_SIZE];
	int code = channel_ref_find(service, typed, id);

	if (code != EXIT_GOOD)
		return code;
	snprintf(path, sizeof(path), "/v1/channels/%s", id);
	code = service_ask(service, "GET", path, STR(""));
	if (code != EXIT_GOOD)
		return code;
	preview->form.provider = provider_find(service_text(service->answer, "provider"));
	for (size_t i = 0; i < ARRAY_LEN(option_names) && code == EXIT_GOOD; i++)
		code = add_option(&preview->form, option_names[i],
				  json_get(service->answer, option_names[i]));
	return code;
}

/* In the words of `deliveries list`. */
static void word_held(struct service *service, struct str request)
{
	struct channel_options *asked = held_options(request);
	char held[CHANNEL_HOLD_WORDS_SIZE];

	if (!service->as_json && held_text(asked, service->answer, held))
		cJSON_ReplaceItemInObjectCaseSensitive(service->answer, "held_until",
						       cJSON_CreateString(held));
	channel_options_close(asked);
}

static int ask(struct service *service, const struct preview_request *preview)
{
	struct buf body;
	int code;

	buf_init(&body, BODY_LIMIT);
	buf_add_char(&body, '{');
	channel_form_add_members(&preview->form, &body);
	if (preview->is_digest)
		buf_add_text(&body, ",\"digest\":true");
	else
		json_add_member(&body, "event",
				str_of(preview->event ? preview->event : "capsule.create"));
	buf_add_char(&body, '}');
	code = body.err ? command_fault(EXIT_FAILED, "out of memory")
			: service_ask(service, "POST", "/v1/channels/preview", buf_str(&body));
	if (code == EXIT_GOOD)
		word_held(service, buf_str(&body));
	buf_done(&body);
	return code;
}

/* The body is mostly JSON: one member on each line. */
static int print(const struct service *service)
{
	cJSON *body = NULL;
	char *lines = NULL;
	int code;

	if (service->as_json)
		return show_answer(service);
	code = show_print(service->answer, "body");
	if (code != EXIT_GOOD)
		return code;
	if (json_parse(service_text(service->answer, "body"), BODY_LIMIT, &body, NULL) == 0)
		lines = cJSON_Print(body);
	output_write(stdout, STR("\n"));
	output_write(stdout, lines ? str_of(lines) : service_text(service->answer, "body"));
	output_write(stdout, STR("\n"));
	cJSON_free(lines);
	cJSON_Delete(body);
	return EXIT_GOOD;
}

static const struct option preview_options[] = {
	{ "provider", required_argument, NULL, FORM_PROVIDER },
	{ "event", required_argument, NULL, PREVIEW_EVENT },
	{ "digest", no_argument, NULL, FORM_DIGEST },
	FORM_FILTER_OPTIONS,
	SERVICE_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static int run_preview(int argc, char **argv)
{
	struct preview_request preview = { .event = NULL };
	struct service_arguments arguments = { .options = preview_options,
					       .wanted = "CHANNEL",
					       .is_optional = true,
					       .take = take_preview_flag,
					       .owner = &preview };
	struct service service;
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD && arguments.word)
		code = take_channel(&service, &preview, arguments.word);
	if (code == EXIT_GOOD && !preview.form.provider)
		code = command_fault(EXIT_USAGE, "channels preview needs a CHANNEL or --provider");
	if (code == EXIT_GOOD)
		code = ask(&service, &preview);
	if (code == EXIT_GOOD)
		code = print(&service);
	channel_form_done(&preview.form);
	service_close(&service);
	return code;
}

const struct command channels_test_action = {
	.name = "test",
	.summary = "try settings without storing them",
	.usage = test_usage,
	.run = run_test,
};

const struct command channels_preview_action = {
	.name = "preview",
	.summary = "show a message without sending it",
	.usage = preview_usage,
	.run = run_preview,
};
