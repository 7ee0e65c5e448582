/* SPDX-License-Identifier: Apache-2.0 */

/* A digest there and back, and everything a damaged row could hold instead of one. */
#include <criterion/criterion.h>
#include <errno.h>

#include "providers/provider.h"

#define OUTER(total, groups, failures)                                               \
	"{\"event\":\"notification.digest\",\"team_id\":\"team-1\",\"first\":\"f\"," \
	"\"last\":\"l\",\"total\":" total ",\"groups\":" groups ",\"failures\":" failures "}"
#define GROUP   "{\"event\":\"capsule.pause\",\"outcome\":\"error\",\"count\":2}"
#define FAILURE "{\"event\":\"capsule.pause\",\"resource_id\":\"cl-1\",\"error\":\"no\"}"
#define FOUR(x) x "," x "," x "," x

Test(digest_write, gives_the_json_that_digest_parse_reads)
{
	static const char wanted[] = OUTER("5", "[" GROUP "]", "[" FAILURE "]");
	const struct digest digest = {
		.team_text = STR("team-1"),
		.first = STR("f"),
		.last = STR("l"),
		.total = 5,
		.group_count = 1,
		.groups = { { STR("capsule.pause"), STR("error"), 2 } },
		.failure_count = 1,
		.failures = { { STR("capsule.pause"), STR("cl-1"), STR("no") } },
	};
	struct digest read;
	struct buf json;

	buf_init(&json, 65536);
	digest_write(&json, &digest);
	cr_assert_str_eq(buf_text(&json), wanted);
	cr_assert_eq(digest_parse(buf_str(&json), &read), 0);
	cr_expect_eq(read.total, 5);
	cr_assert_eq(read.group_count, 1);
	cr_expect(str_is(read.groups[0].outcome, "error"));
	cr_expect_eq(read.groups[0].count, 2);
	cr_assert_eq(read.failure_count, 1);
	cr_expect(str_is(read.failures[0].error, "no"));
	cr_expect(str_is(read.failures[0].resource_id, "cl-1"));
	cr_expect(str_is(read.team_text, "team-1"));
	digest_done(&read);
	buf_done(&json);
}

Test(digest_write, stays_readable_whatever_it_is_given)
{
	static char longest[70000];
	struct digest digest = { .total = 1000000,
				 .group_count = DIGEST_MAX_GROUPS,
				 .failure_count = DIGEST_MAX_FAILURES };
	struct digest read;
	struct buf json;

	memset(longest, '"', sizeof(longest));
	const struct str text = { longest, sizeof(longest) };

	digest.team_text = digest.first = digest.last = text;
	for (size_t i = 0; i < DIGEST_MAX_GROUPS; i++)
		digest.groups[i] = (struct digest_group){ text, text, 1 };
	for (size_t i = 0; i < DIGEST_MAX_FAILURES; i++)
		digest.failures[i] = (struct digest_failure){ text, text, text };
	buf_init(&json, 1048576);
	digest_write(&json, &digest);
	cr_assert_eq(json.err, 0);
	cr_assert_eq(digest_parse(buf_str(&json), &read), 0, "%zu bytes", json.len);
	digest_done(&read);
	buf_done(&json);
}

Test(digest_parse, takes_no_damaged_digest)
{
	static const struct {
		const char *json;
		int expected;
	} cases[] = {
		{ OUTER("4", "[" GROUP "," GROUP "]", "[" FAILURE "]"), 0 },
		{ OUTER("1", "[]", "[]"), 0 },
		{ OUTER("3", "[" GROUP "," GROUP "]", "[]"), -EINVAL },
		{ OUTER("1", "[]", "[" FAILURE "," FAILURE "]"), -EINVAL },
		{ OUTER("0", "[]", "[]"), -EINVAL },
		{ OUTER("-1", "[]", "[]"), -EINVAL },
		{ OUTER("1.5", "[]", "[]"), -EINVAL },
		{ OUTER("1000000", "[]", "[]"), 0 },
		{ OUTER("1000001", "[]", "[]"), -EINVAL },
		{ OUTER("1e300", "[]", "[]"), -EINVAL },
		{ OUTER("\"1\"", "[]", "[]"), -EINVAL },
		/* Far after the end, where the sanitizers see it. */
		{ OUTER("100", "[" FOUR(FOUR(GROUP)) "," FOUR(FOUR(GROUP)) "]", "[]"), -EINVAL },
		{ OUTER("100", "[]", "[" FOUR(FOUR(FAILURE)) "]"), -EINVAL },
		{ OUTER("1", "{}", "[]"), -EINVAL },
		{ OUTER("1", "[]", "null"), -EINVAL },
		{ OUTER("1", "[7]", "[]"), -EINVAL },
		{ OUTER("1", "[[]]", "[]"), -EINVAL },
		{ OUTER("1", "[{}]", "[]"), -EINVAL },
		{ OUTER("1", "[]", "[{\"event\":\"a\",\"resource_id\":7,\"error\":\"\"}]"),
		  -EINVAL },
		{ OUTER("100", "[" FOUR(FOUR(GROUP)) "]", "[]"), 0 },
		{ OUTER("100", "[" FOUR(FOUR(GROUP)) "," GROUP "]", "[]"), -EINVAL },
		{ OUTER("100", "[]",
			"[" FOUR(FAILURE) "," FOUR(FAILURE) "," FAILURE "," FAILURE "]"),
		  0 },
		{ OUTER("100", "[]", "[" FOUR(FAILURE) "," FOUR(FAILURE) "," FOUR(FAILURE) "]"),
		  -EINVAL },
		{ "{\"event\":\"capsule.pause\",\"team_id\":\"t\",\"first\":\"f\",\"last\":\"l\","
		  "\"total\":1,\"groups\":[],\"failures\":[]}",
		  -EINVAL },
		{ "{\"event\":\"notification.digest\"}", -EINVAL },
		{ "[]", -EINVAL },
		{ "7", -EINVAL },
		{ "", -EINVAL },
		{ "{", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct digest digest;
		int rc = digest_parse(str_of(cases[i].json), &digest);

		cr_expect_eq(rc, cases[i].expected, "case %zu: %d", i, rc);
		if (rc == 0)
			digest_done(&digest);
	}
}
