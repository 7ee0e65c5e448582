/* SPDX-License-Identifier: Apache-2.0 */

/* Options of a channel: read, kept, replaced and removed, with those of a newer version beside. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/channel_options.h"

#define ERRORS "{\"filter\":{\"outcome\":[\"error\"]}}"
#define WEB    "{\"filter\":{\"resource\":[\"web-*\"]}}"

static cJSON *tree_of(const char *json)
{
	cJSON *tree = NULL;

	cr_assert_eq(json_parse(str_of(json), 4096, &tree, NULL), 0, "%s", json);
	return tree;
}

Test(channel_options, of_a_request_take_the_place_of_those_before)
{
	static const struct {
		const char *stored, *request, *after;
	} cases[] = {
		{ "", "{}", "" },
		{ "", ERRORS, ERRORS },
		{ ERRORS, "{\"name\":\"a\"}", ERRORS },
		{ ERRORS, WEB, WEB },
		{ ERRORS, "{\"filter\":null}", "" },
		{ ERRORS, "{\"filter\":{}}", "" },
		{ "", "{\"living\":true}", "{\"living\":true}" },
		{ "{\"living\":true}", "{\"living\":false}", "" },
		{ "{\"newer\":[1]}", WEB, "{\"newer\":[1],\"filter\":{\"resource\":[\"web-*\"]}}" },
		{ "{\"newer\":[1]}", "{\"newer\":null,\"filter\":null}", "{\"newer\":[1]}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cJSON *request = tree_of(cases[i].request);
		struct buf out;

		buf_init(&out, CHANNEL_OPTIONS_MAX_BYTES);
		cr_expect_eq(channel_options_merge(str_of(cases[i].stored), request, &out), 0);
		cr_expect_str_eq(buf_text(&out), cases[i].after, "case %zu", i);
		buf_done(&out);
		cJSON_Delete(request);
	}
}

Test(channel_options, that_are_named_count_even_when_they_are_removed)
{
	static const struct {
		const char *request;
		bool are_named;
	} cases[] = {
		{ "{}", false },
		{ "{\"name\":\"filter\"}", false },
		{ ERRORS, true },
		{ "{\"filter\":null}", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cJSON *request = tree_of(cases[i].request);

		cr_expect_eq(channel_options_are_named(request), cases[i].are_named, "case %zu", i);
		cJSON_Delete(request);
	}
}

Test(channel_options, that_are_stored_are_read_and_shown_as_far_as_they_are_known)
{
	static const struct {
		const char *stored;
		int rc;
		size_t words; /* of the filter's rule for the outcome */
		const char *shown;
	} cases[] = {
		{ ERRORS, 0, 1, "{\"filter\":{\"outcome\":[\"error\"]}" },
		{ "{\"newer\":7}", 0, 0, "{" },
		{ "{\"filter\":{\"newer\":[\"a\"]}}", 0, 0, "{\"filter\":{\"newer\":[\"a\"]}" },
		{ "[]", -EINVAL, 0, "{" },
		{ "{", -EINVAL, 0, "{" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct channel_options *options = NULL;
		struct buf out;

		buf_init(&out, 4096);
		buf_add_char(&out, '{');
		cr_expect_eq(channel_options_open(str_of(cases[i].stored), &options), cases[i].rc);
		cr_expect_eq(options ? options->filter.rules[0].count : 0, cases[i].words);
		cr_expect_eq(channel_options_show(str_of(cases[i].stored), &out), 0);
		cr_expect_str_eq(buf_text(&out), cases[i].shown);
		channel_options_close(options);
		buf_done(&out);
	}
}

Test(channel_options, name_the_one_that_is_at_fault)
{
	static const char *const requests[] = { "{\"filter\":{\"outcome\":[\"bad\"]}}",
						"{\"filter\":{\"reason\":[\"a*\"]}}" };

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		cJSON *request = tree_of(requests[i]);
		struct channel_options options;
		struct reason why = { .field = "" };

		cr_expect_eq(channel_options_read(request, &options, &why), -EINVAL);
		cr_expect_str_eq(why.field, i ? "filter.reason" : "filter.outcome");
		cJSON_Delete(request);
	}
}

Test(channel_options, of_living_messages_are_on_or_off)
{
	static const struct {
		const char *request;
		int rc;
		bool is_living;
	} cases[] = {
		{ "{\"living\":true}", 0, true },           { "{\"living\":false}", 0, false },
		{ "{\"living\":null}", 0, false },          { "{\"living\":1}", -EINVAL, false },
		{ "{\"living\":\"yes\"}", -EINVAL, false }, { "{\"living\":[]}", -EINVAL, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cJSON *request = tree_of(cases[i].request);
		struct channel_options options;
		struct reason why = { .field = "" };

		cr_expect_eq(channel_options_read(request, &options, &why), cases[i].rc, "%s",
			     cases[i].request);
		cr_expect_eq(options.is_living, cases[i].is_living, "%s", cases[i].request);
		cr_expect_str_eq(why.field, cases[i].rc ? "living" : "");
		cJSON_Delete(request);
	}
}

Test(channel_options, that_are_misspelled_are_refused_and_foreign_members_are_not)
{
	static const struct {
		const char *request;
		const char *meant; /* NULL: nothing is refused */
	} cases[] = {
		{ "{\"fitler\":{\"outcome\":[\"error\"]}}", "filter" },
		{ "{\"filters\":null}", "filter" },
		{ "{\"Living\":true}", "living" },
		{ "{\"quite\":{}}", "quiet" },
		{ "{\"fallbak\":{}}", "fallback" },
		{ "{\"snoze\":{}}", "snooze" },
		/* What a client reads it may send back, and others have members of their own. */
		{ "{\"id\":\"ch-1\",\"team_id\":\"t\",\"name\":\"a\",\"provider\":\"slack\","
		  "\"config\":{},"
		  "\"events\":[],\"secret\":\"s\",\"created_at\":\"\",\"updated_at\":\"\","
		  "\"disabled_at\":\"\","
		  "\"event\":\"e\",\"digest\":true,\"snooze\":{},\"description\":\"\",\"x\":1,\"\":"
		  "2}",
		  NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cJSON *request = tree_of(cases[i].request);
		struct channel_options options;
		struct reason why = { .field = "", .text = "" };

		cr_expect_eq(channel_options_read(request, &options, &why),
			     cases[i].meant ? -EINVAL : 0, "%s", cases[i].request);
		cr_expect_str_eq(why.field, cases[i].meant ? cases[i].meant : "");
		cr_expect(!cases[i].meant || strstr(why.text, "did you mean"), "%s", why.text);
		cJSON_Delete(request);
	}
}
