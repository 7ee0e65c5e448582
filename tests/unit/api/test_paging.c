/* SPDX-License-Identifier: Apache-2.0 */

/* The parameters of a list, as hostile as a query string can be. */
#include <criterion/criterion.h>
#include <errno.h>

#include "api/api.h"
#include "core/id.h"
#include "core/rfc3339.h"

#define NOW_US INT64_C(1800000000000000)

static int parse_id(struct str text, struct uuid *out)
{
	return id_parse(ID_CHANNEL, text, out);
}

static const struct paging_ids ids = { parse_id, "an id of the form ch-..." };

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	int rc = paging_read(arg, name, value, why);

	return rc == -ENOENT ? 0 : rc;
}

static int read_query(const char *query, struct paging *out, struct reason *why)
{
	int rc;

	*why = (struct reason){ .text = "" };
	paging_init(out, 50, &ids);
	rc = http_query_each(str_of(query), read_pair, out, why);
	paging_finish(out);
	return rc;
}

Test(paging, begins_with_the_newest_row)
{
	struct paging paging;
	struct reason why;

	cr_assert_eq(read_query("unknown=1", &paging, &why), 0);
	cr_expect_eq(paging.limit, 50);
	cr_expect_eq(paging.before_us, RFC3339_LAST_US);
	cr_expect_eq(paging.before_id.bytes[0], 0xff);
}

Test(paging, reads_limits)
{
	static const struct {
		const char *query;
		unsigned expected; /* 0: refused */
	} cases[] = {
		{ "limit=1", 1 },
		{ "limit=007", 7 },
		{ "limit=200", 200 },
		{ "limit=201", 200 },
		{ "limit=99999999999999999999999999999999", 200 },
		{ "limit=4294967297", 200 },
		{ "limit=0", 0 },
		{ "limit=-1", 0 },
		{ "limit=", 0 },
		{ "limit=300a", 0 },
		{ "limit=5&limit=6", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct paging paging;
		struct reason why;
		int rc = read_query(cases[i].query, &paging, &why);

		cr_expect_eq(rc, cases[i].expected ? 0 : -EINVAL, "%s: %d", cases[i].query, rc);
		if (rc == 0)
			cr_expect_eq(paging.limit, cases[i].expected, "%s", cases[i].query);
		else
			cr_expect_str_eq(why.field, "limit", "%s", cases[i].query);
	}
}

Test(paging, reads_the_cursor_and_needs_a_time_for_an_id)
{
	struct paging paging;
	struct reason why;

	cr_assert_eq(read_query("before=2026-05-24T07:02:08.123456%2B02:00"
				"&before_id=ch-0x5yg3bfyrehlas5fmd3rslxq",
				&paging, &why),
		     0);
	cr_expect_eq(paging.before_us, INT64_C(1779598928123456));
	cr_expect_eq(paging.before_id.bytes[0], 0x0f);
	cr_assert_eq(read_query("before=2026-05-24T05:02:08Z", &paging, &why), 0);
	cr_expect(uuid_is_zero(&paging.before_id), "strictly older");
	cr_assert_eq(read_query("before_id=ch-0x5yg3bfyrehlas5fmd3rslxq", &paging, &why), 0);
	cr_expect_eq(paging.before_id.bytes[0], 0xff, "no tie to break");
}

Test(paging, names_the_parameter_at_fault)
{
	static const struct {
		const char *query;
		const char *field;
	} cases[] = {
		{ "before=yesterday", "before" },
		{ "before=2026-05-24T05:02:08Z&before=2026-05-24T05:02:08Z", "before" },
		{ "before_id=log-0x5yg3bfyrehlas5fmd3rslxq", "before_id" },
		{ "before_id=ch-0x5yg3bfyrehlas5fmd3rslxq"
		  "&before_id=ch-0x5yg3bfyrehlas5fmd3rslxq",
		  "before_id" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct paging paging;
		struct reason why;

		cr_expect_eq(read_query(cases[i].query, &paging, &why), -EINVAL, "%s",
			     cases[i].query);
		cr_expect_str_eq(why.field, cases[i].field, "%s", cases[i].query);
	}
}

Test(parameter_time, takes_a_time_or_a_duration_before_now)
{
	static const struct {
		const char *text;
		int64_t expected_us; /* 0: refused */
	} cases[] = {
		{ "90s", NOW_US - INT64_C(90000000) },
		{ "3d", NOW_US - INT64_C(259200000000) },
		{ "2026-05-24T05:02:08Z", INT64_C(1779598928000000) },
		{ "90", 0 },
		{ "", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reason why = { .text = "" };
		int64_t us = 0;
		int rc = parameter_time(str_of(cases[i].text), "since", NOW_US, &us, &why);

		cr_expect_eq(rc, cases[i].expected_us ? 0 : -EINVAL, "%s", cases[i].text);
		cr_expect_eq(us, cases[i].expected_us, "%s", cases[i].text);
		cr_expect_str_eq(why.field, rc ? "since" : "", "%s", cases[i].text);
	}
}
