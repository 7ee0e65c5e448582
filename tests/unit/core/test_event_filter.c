/* SPDX-License-Identifier: Apache-2.0 */

/* What a filter lets pass, what it holds back and by which rule, and what is no filter. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "core/event_filter.h"

static struct event *make_event_of(const char *kind, const char *more)
{
	struct event *event = NULL;
	struct reason why = { .text = "" };
	char json[1024];

	snprintf(json, sizeof(json),
		 "{\"event\":\"%s\",\"timestamp\":\"2026-05-24T05:02:08Z\","
		 "\"team_id\":\"team-0x5yg3bfyrehlas5fmd3rslxq\","
		 "\"resource\":{\"id\":\"web-7\",\"type\":\"sandbox\"}%s}",
		 kind, more);
	cr_assert_eq(event_parse(str_of(json), (struct stream_id){ 7, 1 }, &event, &why), 0, "%s",
		     why.text);
	return event;
}

static struct event *make_event(const char *more)
{
	return make_event_of("capsule.create", more);
}

#define USER   ",\"actor\":{\"type\":\"user\"}"
#define SYSTEM ",\"actor\":{\"type\":\"system\"}"
#define BAD    SYSTEM ",\"outcome\":\"error\",\"metadata\":{\"reason\":\"host_failure\"}"
#define GOOD   USER ",\"outcome\":\"success\",\"metadata\":{\"template\":\"node\"}"

Test(event_filter, lets_pass_what_all_rules_hold_for)
{
	static const struct {
		const char *filter;
		const char *event;
		const char *refusal; /* NULL: it passes */
	} cases[] = {
		{ "{}", GOOD, NULL },
		{ "{\"outcome\":[\"error\"]}", BAD, NULL },
		{ "{\"outcome\":[\"error\"]}", GOOD, "outcome" },
		{ "{\"outcome\":[\"error\",\"success\"]}", GOOD, NULL },
		{ "{\"outcome\":[\"error\"]}", SYSTEM, "outcome" },
		{ "{\"outcome\":[\"error\",\"none\"]}", SYSTEM, NULL },
		{ "{\"resource\":[\"web-7\"]}", GOOD, NULL },
		{ "{\"resource\":[\"web-70\",\"web\"]}", GOOD, "resource" },
		{ "{\"resource\":[\"db-*\",\"web-*\"]}", GOOD, NULL },
		{ "{\"resource\":[\"web-7*\"]}", GOOD, NULL },
		{ "{\"resource\":[\"web-70*\"]}", GOOD, "resource" },
		{ "{\"resource\":[\"*\"]}", GOOD, NULL },
		{ "{\"resource\":[\"w*7\"]}", GOOD, "resource" },
		{ "{\"resource\":[\"WEB-7\"]}", GOOD, "resource" },
		{ "{\"template\":[\"node\"]}", GOOD, NULL },
		{ "{\"template\":[\"nod*\"]}", GOOD, "template" },
		{ "{\"template\":[\"node\"]}", BAD, "template" },
		{ "{\"reason\":[\"ttl_expired\",\"host_failure\"]}", BAD, NULL },
		{ "{\"reason\":[\"host_failure\"]}", GOOD, "reason" },
		{ "{\"actor.type\":[\"user\"]}", GOOD, NULL },
		{ "{\"actor.type\":[\"user\",\"api_key\"]}", BAD, "actor.type" },
		{ "{\"outcome\":[\"error\"],\"resource\":[\"web-*\"],\"reason\":[\"host_failure\"],"
		  "\"actor.type\":[\"system\"]}",
		  BAD, NULL },
		{ "{\"actor.type\":[\"user\"],\"resource\":[\"db\"],\"outcome\":[\"error\"]}", GOOD,
		  "outcome" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event *event = make_event(cases[i].event);
		struct event_filter filter;
		cJSON *tree = NULL;
		const char *refusal;

		cr_assert_eq(json_parse(str_of(cases[i].filter), 4096, &tree, NULL), 0);
		cr_assert_eq(event_filter_read(tree, &filter, NULL), 0, "%s", cases[i].filter);
		refusal = event_filter_refusal(&filter, event);
		cr_expect_str_eq(refusal ? refusal : "", cases[i].refusal ? cases[i].refusal : "",
				 "%s", cases[i].filter);
		cJSON_Delete(tree);
		event_free(event);
	}
}

/* Whoever wants failures only wants to hear of it. It has no outcome. */
Test(event_filter, takes_a_host_that_is_down_as_a_failure)
{
	static const struct {
		const char *kind, *filter, *refusal;
	} cases[] = {
		{ "host.down", "{\"outcome\":[\"error\"]}", "" },
		{ "host.down", "{\"outcome\":[\"none\"]}", "" },
		{ "host.down", "{\"outcome\":[\"success\"]}", "outcome" },
		{ "host.down", "{\"outcome\":[\"error\"],\"resource\":[\"error\"]}", "resource" },
		{ "host.up", "{\"outcome\":[\"error\"]}", "outcome" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event *event = make_event_of(cases[i].kind, SYSTEM);
		struct event_filter filter;
		cJSON *tree = NULL;
		const char *refusal;

		cr_assert_eq(json_parse(str_of(cases[i].filter), 4096, &tree, NULL), 0);
		cr_assert_eq(event_filter_read(tree, &filter, NULL), 0);
		refusal = event_filter_refusal(&filter, event);
		cr_expect_str_eq(refusal ? refusal : "", cases[i].refusal, "%s %s", cases[i].kind,
				 cases[i].filter);
		cJSON_Delete(tree);
		event_free(event);
	}
}

Test(event_filter, lets_everything_pass_when_there_is_none)
{
	struct event *event = make_event(GOOD);
	const struct event_filter empty = { 0 };

	cr_expect_null(event_filter_refusal(&empty, event));
	event_free(event);
}

#define TEN "\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\""

Test(event_filter, refuses_nonsense_by_the_name_of_its_rule)
{
	static const struct {
		const char *json, *field, *says;
	} cases[] = {
		{ "[]", "filter", "must be a JSON object" },
		{ "7", "filter", "must be a JSON object" },
		{ "{\"colour\":[\"red\"]}", "filter", "no member \"colour\"" },
		{ "{\"outcome\":\"error\"}", "filter.outcome", "must be a list" },
		{ "{\"outcome\":[]}", "filter.outcome", "must be a list of 1 to 16" },
		{ "{\"outcome\":[\"failed\"]}", "filter.outcome",
		  "success, error or none, not \"failed\"" },
		{ "{\"outcome\":[1]}", "filter.outcome", "success, error or none" },
		{ "{\"actor.type\":[\"host\"]}", "filter.actor.type", "user, api_key or system" },
		{ "{\"resource\":[\" \"]}", "filter.resource", "not blank" },
		{ "{\"resource\":[null]}", "filter.resource", "not blank" },
		{ "{\"template\":[" TEN "," TEN "]}", "filter.template", "1 to 16" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reason why = { .field = "", .text = "" };
		struct event_filter filter;
		cJSON *tree = NULL;

		cr_assert_eq(json_parse(str_of(cases[i].json), 4096, &tree, NULL), 0);
		cr_expect_eq(event_filter_read(tree, &filter, &why), -EINVAL, "%s", cases[i].json);
		cr_expect_str_eq(why.field, cases[i].field);
		cr_expect(strstr(why.text, cases[i].says), "%s", why.text);
		cJSON_Delete(tree);
	}
}

/* Elsewhere the star would be a literal, and match nothing its author meant. */
Test(event_filter, of_a_request_takes_a_star_at_the_end_of_a_resource_only)
{
	static const struct {
		const char *json, *field; /* NULL: it is taken */
	} cases[] = {
		{ "{\"resource\":[\"web-*\",\"*\"]}", NULL },
		{ "{\"resource\":[\"web-1\",\"*-web\"]}", "filter.resource" },
		{ "{\"resource\":[\"w*7\"]}", "filter.resource" },
		{ "{\"resource\":[\"web**\"]}", "filter.resource" },
		{ "{\"template\":[\"node*\"]}", "filter.template" },
		{ "{\"reason\":[\"ttl_*\"]}", "filter.reason" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reason why = { .field = "", .text = "" };
		struct event_filter filter;
		cJSON *tree = NULL;

		cr_assert_eq(json_parse(str_of(cases[i].json), 4096, &tree, NULL), 0);
		cr_assert_eq(event_filter_read(tree, &filter, NULL), 0, "what is stored is read");
		cr_expect_eq(event_filter_check(&filter, &why), cases[i].field ? -EINVAL : 0, "%s",
			     cases[i].json);
		cr_expect_str_eq(why.field, cases[i].field ? cases[i].field : "");
		cJSON_Delete(tree);
	}
}

static int read_word(const char *format)
{
	struct event_filter filter;
	cJSON *tree = NULL;
	char json[320];
	int rc;

	snprintf(json, sizeof(json), format, 0);
	cr_assert_eq(json_parse(str_of(json), sizeof(json), &tree, NULL), 0);
	rc = event_filter_read(tree, &filter, NULL);
	cJSON_Delete(tree);
	return rc;
}

Test(event_filter, takes_words_of_256_bytes_and_none_longer)
{
	cr_expect_eq(read_word("{\"reason\":[\"%0256d\"]}"), 0);
	cr_expect_eq(read_word("{\"reason\":[\"%0257d\"]}"), -EINVAL);
}
