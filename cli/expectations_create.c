/* SPDX-License-Identifier: Apache-2.0 */

/* `expectations create`: a rule from flags. The service checks the rule, and names what is
 * wrong. */
#include <stdio.h>
#include <string.h>

#include "cli/expectation_actions.h"
#include "cli/show.h"

#define NAME_MAX_LEN 64
#define SIDE_LIMIT   65536

static const char usage[] =
	"Usage: wrenn-events expectations create NAME [OPTION...]\n"
	"\n"
	"Adds a rule and prints it; a rule of this name is replaced and begins again.\n"
	"Takes --form, or else --after, --without and --within.\n"
	"\n"
	"  --form FORM        a rule that is ready: snapshot (15 min), capsule (5 min) or\n"
	"                     host (10 min)\n"
	"  --after KIND       the event that begins the wait\n"
	"  --without KIND     the event that ends it; may be repeated. Both also take the\n"
	"                     API's JSON, such as {\"event\":...,\"outcome\":\"success\"}\n"
	"  --within TIME      how long to wait: 90s, 10m, 8h or 7d\n" SERVICE_USAGE "\n"
	"Example: wrenn-events expectations create hosts --form host --within 20m\n";

enum { CREATE_FORM = 'f', CREATE_AFTER = 'a', CREATE_WITHOUT = 'o', CREATE_WITHIN = 'i' };

static const struct option options[] = {
	{ "form", required_argument, NULL, CREATE_FORM },
	{ "after", required_argument, NULL, CREATE_AFTER },
	{ "without", required_argument, NULL, CREATE_WITHOUT },
	{ "within", required_argument, NULL, CREATE_WITHIN },
	SERVICE_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

struct rule_flags {
	const char *form;
	cJSON *after;
	cJSON *without;
	int64_t within_ms; /* 0: not given */
};

int expectation_path(const char *name, char out[EXPECTATION_PATH_SIZE])
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX_LEN ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-._") != len)
		return command_fault(EXIT_USAGE,
				     "the name of an expectation must be 1 to 64 small letters, "
				     "digits, hyphens, dots or underscores, got \"%s\"",
				     name);
	snprintf(out, EXPECTATION_PATH_SIZE, EXPECTATIONS_PATH "/%s", name);
	return EXIT_GOOD;
}

/* ---- flags ------------------------------------------------------------------------------- */

static int take_json(cJSON **side, const char *flag, const char *typed)
{
	struct reason why = { .text = "" };

	cJSON_Delete(*side);
	*side = NULL;
	if (json_parse(str_of(typed), SIDE_LIMIT, side, &why) < 0)
		return command_fault(EXIT_USAGE, "%s: expected a kind or a JSON object: %s", flag,
				     why.text);
	return EXIT_GOOD;
}

/* {"event":[...]}, with each kind that is named. */
static int add_kind(cJSON **side, const char *flag, const char *typed)
{
	cJSON *kinds;

	if (typed[0] == '{')
		return take_json(side, flag, typed);
	if (!*side)
		*side = cJSON_CreateObject();
	kinds = cJSON_GetObjectItemCaseSensitive(*side, "event");
	if (!kinds)
		kinds = cJSON_AddArrayToObject(*side, "event");
	if (!kinds || !cJSON_AddItemToArray(kinds, cJSON_CreateString(typed)))
		return command_fault(EXIT_FAILED, "out of memory");
	return EXIT_GOOD;
}

static int take_flag(void *owner, int flag, const char *value)
{
	struct rule_flags *flags = owner;

	switch (flag) {
	case CREATE_FORM:
		flags->form = value;
		return EXIT_GOOD;
	case CREATE_AFTER:
		return add_kind(&flags->after, "--after", value);
	case CREATE_WITHOUT:
		return add_kind(&flags->without, "--without", value);
	default:
		if (command_duration(value, &flags->within_ms) < 0 || flags->within_ms < 1000)
			return command_fault(
				EXIT_USAGE,
				"--within: expected a duration such as 90s, 10m or 7d, got \"%s\"",
				value);
		return EXIT_GOOD;
	}
}

static int check(const struct rule_flags *flags)
{
	if (flags->form && (flags->after || flags->without))
		return command_fault(EXIT_USAGE, "expectations create: give --form, or --after and "
						 "--without, not both");
	if (!flags->form && (!flags->after || !flags->without || flags->within_ms == 0))
		return command_fault(EXIT_USAGE, "expectations create: give --form, or --after, "
						 "--without and --within");
	return EXIT_GOOD;
}

/* ---- the request ------------------------------------------------------------------------- */

static int put(struct service *service, const struct rule_flags *flags, const char *path)
{
	struct buf body;
	int code;

	buf_init(&body, 4 * SIDE_LIMIT);
	buf_add_char(&body, '{');
	if (flags->form) {
		json_add_member(&body, "form", str_of(flags->form));
	} else {
		json_add_name(&body, "after");
		json_add_value(&body, flags->after);
		json_add_name(&body, "without");
		json_add_value(&body, flags->without);
	}
	if (flags->within_ms) {
		json_add_name(&body, "within_s");
		buf_addf(&body, "%lld", (long long)(flags->within_ms / 1000));
	}
	buf_add_char(&body, '}');
	code = body.err ? command_fault(EXIT_FAILED, "out of memory")
			: service_ask(service, "PUT", path, buf_str(&body));
	buf_done(&body);
	return code == EXIT_GOOD ? show_answer(service) : code;
}

static int run(int argc, char **argv)
{
	struct rule_flags flags = { .form = NULL };
	struct service_arguments arguments = {
		.options = options, .wanted = "NAME", .take = take_flag, .owner = &flags
	};
	struct service service;
	char path[EXPECTATION_PATH_SIZE];
	int code = service_open(&service, argc, argv, &arguments);

	if (code == EXIT_GOOD)
		code = check(&flags);
	if (code == EXIT_GOOD)
		code = expectation_path(arguments.word, path);
	if (code == EXIT_GOOD)
		code = put(&service, &flags, path);
	cJSON_Delete(flags.after);
	cJSON_Delete(flags.without);
	service_close(&service);
	return code;
}

const struct command expectations_create_action = {
	.name = "create",
	.summary = "add a rule, or replace one",
	.usage = usage,
	.run = run,
};
