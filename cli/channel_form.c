/* SPDX-License-Identifier: Apache-2.0 */

/* Flags of a channel, and the body of a request made of them. */
#include "cli/channel_form.h"

#include <errno.h>
#include <stdio.h>

#include "cli/channel_settings.h"
#include "cli/command.h"
#include "cli/show.h"
#include "core/event.h"
#include "core/json.h"
#include "core/suggest.h"

#define BODY_LIMIT 65536

#define MAX_RULE   32
#define MAX_OPTION 65536

void channel_form_done(struct channel_form *form)
{
	cJSON_Delete(form->events);
	cJSON_Delete(form->filter);
	cJSON_Delete(form->options);
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS; i++)
		secret_done(&form->settings[i]);
}

void channel_form_wipe(struct buf *body)
{
	if (body->bytes)
		explicit_bzero(body->bytes, body->len);
	buf_done(body);
}

/* ---- kinds ------------------------------------------------------------------------------- */

/* "capsule.*" means all kinds that begin so. "*" leaves out kinds that must be named. */
static bool is_meant(const char *pattern, enum event_kind kind)
{
	const char *name = event_kind_name(kind);
	size_t len = strlen(pattern);

	if (len == 0 || pattern[len - 1] != '*')
		return strcmp(pattern, name) == 0;
	if (len == 1)
		return !event_kind_is_opt_in(kind);
	return strncmp(pattern, name, len - 1) == 0;
}

static int refuse_kind(const char *typed)
{
	struct suggestion suggestion = { .typed = typed };

	for (int kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++)
		if (event_kind_is_subscribable((enum event_kind)kind))
			suggest_consider(&suggestion, event_kind_name((enum event_kind)kind));
	if (suggestion.meant)
		return command_fault(EXIT_USAGE,
				     "--event: there is no kind \"%s\"; did you mean %s?", typed,
				     suggestion.meant);
	return command_fault(
		EXIT_USAGE,
		"--event: there is no kind \"%s\"; `wrenn-events help kinds` lists them", typed);
}

static int add_kinds(struct channel_form *form, const char *typed)
{
	bool found = false;

	if (!form->events)
		form->events = cJSON_CreateArray();
	for (int kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++) {
		if (!event_kind_is_subscribable((enum event_kind)kind) ||
		    !is_meant(typed, (enum event_kind)kind))
			continue;
		found = true;
		if (!cJSON_AddItemToArray(form->events, cJSON_CreateString(event_kind_name(
								(enum event_kind)kind))))
			return command_fault(EXIT_FAILED, "out of memory");
	}
	return found ? EXIT_GOOD : refuse_kind(typed);
}

/* ---- the filter -------------------------------------------------------------------------- */

/* The service checks rules and words, and names what is wrong. */
static int add_rule(struct channel_form *form, const char *rule, const char *word)
{
	cJSON *words;

	if (!form->filter)
		form->filter = cJSON_CreateObject();
	words = cJSON_GetObjectItemCaseSensitive(form->filter, rule);
	if (!words)
		words = cJSON_AddArrayToObject(form->filter, rule);
	if (!words || !cJSON_AddItemToArray(words, cJSON_CreateString(word)))
		return command_fault(EXIT_FAILED, "out of memory");
	return EXIT_GOOD;
}

static int take_rule(struct channel_form *form, const char *typed)
{
	const char *equals = strchr(typed, '=');
	char rule[MAX_RULE];

	if (!equals || equals == typed || !equals[1])
		return command_fault(EXIT_USAGE,
				     "--filter: expected RULE=WORD such as outcome=error or "
				     "resource=web-*, got \"%s\"",
				     typed);
	snprintf(rule, sizeof(rule), "%.*s", (int)(equals - typed), typed);
	return add_rule(form, rule, equals + 1);
}

/* ---- other options ----------------------------------------------------------------------- */

/* The service ignores unknown options, because other clients may send them. So misspelt ones are
 * refused here. */
static int check_option(struct str name)
{
	static const char *const names[] = { "filter", "quiet", "living", "fallback" };
	struct suggestion suggestion = { .typed = "" };
	char typed[MAX_RULE];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(name, names[i]))
			return EXIT_GOOD;
	if (str_is(name, "snooze"))
		return command_fault(EXIT_USAGE, "--option: a snooze is set by `wrenn-events "
						 "channels snooze`");
	snprintf(typed, sizeof(typed), "%.*s", STR_ARGS(name));
	suggestion.typed = typed;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		suggest_consider(&suggestion, names[i]);
	if (suggestion.meant)
		return command_fault(EXIT_USAGE,
				     "--option: there is no option \"%s\"; did you mean %s?", typed,
				     suggestion.meant);
	return command_fault(EXIT_USAGE,
			     "--option: there is no option \"%s\"; there are filter, quiet, living "
			     "and fallback",
			     typed);
}

/* The service checks the values, and names what is wrong. */
static int take_option(struct channel_form *form, const char *typed)
{
	struct str value = str_of(typed);
	struct str name = str_cut(&value, '=');
	struct reason why = { .text = "the value is missing" };
	cJSON *tree = NULL;
	char key[MAX_RULE];
	int code = check_option(name);

	if (code != EXIT_GOOD)
		return code;
	if (!value.at || json_parse(value, MAX_OPTION, &tree, &why) < 0)
		return command_fault(EXIT_USAGE,
				     "--option: expected NAME=JSON such as fallback={...}, got "
				     "\"%s\": %s",
				     typed, why.text);
	if (!form->options)
		form->options = cJSON_CreateObject();
	snprintf(key, sizeof(key), "%.*s", STR_ARGS(name));
	cJSON_DeleteItemFromObjectCaseSensitive(form->options, key);
	if (!cJSON_AddItemToObject(form->options, key, tree)) {
		cJSON_Delete(tree);
		return command_fault(EXIT_FAILED, "out of memory");
	}
	return EXIT_GOOD;
}

/* ---- the provider ------------------------------------------------------------------------ */

static int find_provider(struct channel_form *form)
{
	struct suggestion suggestion = { .typed = form->typed_provider };
	struct buf names;
	int code;

	form->provider = provider_find(str_of(form->typed_provider));
	if (form->provider)
		return EXIT_GOOD;
	buf_init(&names, 1024);
	for (size_t i = 0; provider_at(i); i++) {
		buf_addf(&names, "%s%s", i ? ", " : "", provider_at(i)->name);
		suggest_consider(&suggestion, provider_at(i)->name);
	}
	if (suggestion.meant)
		code = command_fault(EXIT_USAGE,
				     "--provider: there is no provider \"%s\"; did you mean %s?",
				     form->typed_provider, suggestion.meant);
	else
		code = command_fault(EXIT_USAGE,
				     "--provider: there is no provider \"%s\"; there are %.*s",
				     form->typed_provider, STR_ARGS(buf_str(&names)));
	buf_done(&names);
	return code;
}

/* ---- flags ------------------------------------------------------------------------------- */

static int take_set(struct channel_form *form, const char *typed)
{
	if (!strchr(typed, '='))
		return command_fault(EXIT_USAGE, "--set: expected NAME=VALUE, got \"%s\"", typed);
	if (form->set_count == PROVIDER_MAX_FIELDS)
		return command_fault(EXIT_USAGE, "--set: there are not so many settings");
	form->sets[form->set_count++] = typed;
	return EXIT_GOOD;
}

int channel_form_take(void *owner, int flag, const char *value)
{
	struct channel_form *form = owner;

	switch (flag) {
	case FORM_NAME:
		form->name = value;
		return EXIT_GOOD;
	case FORM_PROVIDER:
		form->typed_provider = value;
		return find_provider(form);
	case FORM_EVENT:
		return add_kinds(form, value);
	case FORM_ONLY_FAILURES:
		return add_rule(form, "outcome", "error");
	case FORM_FILTER:
		return take_rule(form, value);
	case FORM_OPTION:
		return take_option(form, value);
	case FORM_SET:
		return take_set(form, value);
	default:
		form->settings_file = value;
		return EXIT_GOOD;
	}
}

int channel_form_complete(struct channel_form *form, bool asks)
{
	int code = EXIT_GOOD;

	if (!form->provider)
		return command_fault(EXIT_USAGE, "give --provider, such as slack or webhook");
	for (size_t i = 0; i < form->set_count && code == EXIT_GOOD; i++)
		code = channel_settings_set(form->provider, form->settings, form->sets[i]);
	if (code == EXIT_GOOD && form->settings_file)
		code = channel_settings_read(form->provider, form->settings, form->settings_file);
	if (code == EXIT_GOOD && asks)
		code = channel_settings_ask(form->provider, form->settings);
	return code;
}

/* ---- the body ---------------------------------------------------------------------------- */

bool channel_form_has_config(const struct channel_form *form)
{
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS; i++)
		if (form->settings[i].hidden)
			return true;
	return false;
}

void channel_form_add_config(const struct channel_form *form, struct buf *out)
{
	json_add_name(out, "config");
	buf_add_char(out, '{');
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS && form->provider->fields[i].name; i++)
		if (form->settings[i].hidden)
			json_add_member(out, form->provider->fields[i].name,
					secret_reveal(&form->settings[i]));
	buf_add_char(out, '}');
}

static void add_tree(struct buf *out, const char *name, const cJSON *tree)
{
	if (!tree)
		return;
	json_add_name(out, name);
	json_add_value(out, tree);
}

void channel_form_add_members(const struct channel_form *form, struct buf *out)
{
	const cJSON *option;

	if (form->provider)
		json_add_member(out, "provider", str_of(form->provider->name));
	if (form->name)
		json_add_member(out, "name", str_of(form->name));
	add_tree(out, "events", form->events);
	add_tree(out, "filter", form->filter);
	for (option = form->options ? form->options->child : NULL; option; option = option->next)
		add_tree(out, option->string, option);
}

int channel_form_post(const struct channel_form *form, struct service *service, const char *path)
{
	struct buf body;
	int code;

	buf_init(&body, BODY_LIMIT);
	buf_add_char(&body, '{');
	channel_form_add_members(form, &body);
	channel_form_add_config(form, &body);
	buf_add_char(&body, '}');
	code = body.err ? command_fault(EXIT_FAILED, "out of memory")
			: service_ask(service, "POST", path, buf_str(&body));
	channel_form_wipe(&body);
	return code == EXIT_GOOD ? show_answer(service) : code;
}
