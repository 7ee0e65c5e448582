/* SPDX-License-Identifier: Apache-2.0 */

/* The parameters of contract e.2, with hostile query strings. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "audit/page.h"
#include "core/id.h"

Test(page_query, takes_the_defaults_without_parameters)
{
	struct page_query query;
	struct reason why;

	cr_assert_eq(page_query_parse(STR(""), &query, &why), 0);
	cr_expect_eq(query.paging.limit, 50);
	cr_expect_eq(query.resource_types.count, 0);
	cr_expect_eq(query.actions.count, 0);
	cr_expect_gt(query.paging.before_us, INT64_C(253402300799000000));
	cr_expect_eq(query.paging.before_id.bytes[0], 0xff);
	page_query_done(&query);
}

Test(page_query, reads_limits)
{
	static const struct {
		const char *text;
		unsigned expected; /* 0: rejected */
	} cases[] = {
		{ "limit=1", 1 },
		{ "limit=50", 50 },
		{ "limit=200", 200 },
		{ "limit=201", 200 },
		{ "limit=007", 7 },
		{ "limit=99999999999999999999999999999999", 200 },
		{ "limit=4294967297", 200 },
		{ "limit=0", 0 },
		{ "limit=000", 0 },
		{ "limit=-1", 0 },
		{ "limit=%2B5", 0 },
		{ "limit=5+", 0 },
		{ "limit=", 0 },
		{ "limit", 0 },
		{ "limit=1.5", 0 },
		{ "limit=0x10", 0 },
		{ "limit=300a", 0 },
		{ "limit=ten", 0 },
		{ "limit=5&limit=6", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct page_query query;
		struct reason why = { .field = "" };
		int rc = page_query_parse(str_of(cases[i].text), &query, &why);

		cr_expect_eq(rc, cases[i].expected ? 0 : -EINVAL, "%s: %d", cases[i].text, rc);
		if (rc == 0) {
			cr_expect_eq(query.paging.limit, cases[i].expected, "%s", cases[i].text);
			page_query_done(&query);
		} else {
			cr_expect_str_eq(why.field, "limit", "%s", cases[i].text);
		}
	}
}

Test(page_query, reads_the_cursor_with_any_offset_and_fraction)
{
	struct page_query query;
	struct reason why;
	char id[ID_TEXT_SIZE];

	cr_assert_eq(page_query_parse(STR("before=2026-05-24T07:02:08.123456%2B02:00&before_id="
					  "log-0x5yg3bfyrehlas5fmd3rslxq"),
				      &query, &why),
		     0);
	cr_expect_eq(query.paging.before_us, INT64_C(1779598928123456));
	id_format(ID_AUDIT, &query.paging.before_id, id);
	cr_expect_str_eq(id, "log-0x5yg3bfyrehlas5fmd3rslxq");
	page_query_done(&query);
}

Test(page_query, ignores_an_id_without_a_time_and_takes_a_time_without_an_id_strictly)
{
	struct page_query query;
	struct reason why;

	cr_assert_eq(page_query_parse(STR("before_id=log-0x5yg3bfyrehlas5fmd3rslxq"), &query, &why),
		     0);
	cr_expect_eq(query.paging.before_id.bytes[0], 0xff);
	page_query_done(&query);
	cr_assert_eq(page_query_parse(STR("before=2026-05-24T05:02:08Z"), &query, &why), 0);
	cr_expect(uuid_is_zero(&query.paging.before_id));
	page_query_done(&query);
}

Test(page_query, refuses_malformed_values_and_names_the_parameter)
{
	static const struct {
		const char *text;
		const char *field;
	} cases[] = {
		{ "before=", "before" },
		{ "before=yesterday", "before" },
		{ "before=1779598928", "before" },
		{ "before=2026-05-24T05:02:08", "before" },
		{ "before=2026-05-24T05:02:08+02:00", "before" },
		{ "before=2026-02-30T05:02:08Z", "before" },
		{ "before=2026-05-24T05:02:08Z&before=2026-05-24T05:02:08Z", "before" },
		{ "before_id=", "before_id" },
		{ "before_id=log-f5lxx1zz5pnorynqglhzmsp34", "before_id" },
		{ "before_id=ch-0x5yg3bfyrehlas5fmd3rslxq", "before_id" },
		{ "before_id=log-0X5YG3BFYREHLAS5FMD3RSLXQ", "before_id" },
		{ "before_id=0f8fad5b-d9cb-469f-a165-70867728950e", "before_id" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct page_query query;
		struct reason why = { .field = "" };

		cr_expect_eq(page_query_parse(str_of(cases[i].text), &query, &why), -EINVAL, "%s",
			     cases[i].text);
		cr_expect_str_eq(why.field, cases[i].field, "%s", cases[i].text);
	}
}

Test(page_query, refuses_what_is_no_query_string)
{
	static const char *const cases[] = { "action=%", "action=%zz", "action=%ff", "action=%00" };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct page_query query;
		struct reason why;

		cr_expect_eq(page_query_parse(str_of(cases[i]), &query, &why), -EINVAL, "%s",
			     cases[i]);
	}
}

Test(page_query, gathers_filters_that_repeat_or_have_commas)
{
	static const char *const expected[] = { "sandbox", "host", "snap shot", "a&b" };
	struct page_query query;
	struct reason why;

	cr_assert_eq(
		page_query_parse(STR("resource_type=sandbox,+host+,,&unknown=1&resource_type="
				     "snap+shot&action=&resource_type=a%26b&resource_type=%20"),
				 &query, &why),
		0);
	cr_assert_eq(query.resource_types.count, 4);
	for (size_t i = 0; i < 4; i++)
		cr_expect(str_is(query.resource_types.values[i], expected[i]), "%zu", i);
	cr_expect_eq(query.actions.count, 0);
	page_query_done(&query);
}

Test(page_query, takes_32_values_of_a_filter_and_no_more)
{
	struct page_query query;
	struct reason why;
	struct buf text;

	buf_init(&text, 1024);
	buf_add_text(&text, "action=");
	for (int i = 0; i < 32; i++)
		buf_addf(&text, "a%d,", i);
	cr_assert_eq(page_query_parse(buf_str(&text), &query, &why), 0);
	cr_expect_eq(query.actions.count, 32);
	cr_expect(str_is(query.actions.values[31], "a31"));
	page_query_done(&query);

	buf_add_text(&text, "one_more");
	cr_expect_eq(page_query_parse(buf_str(&text), &query, &why), -EINVAL);
	cr_expect_str_eq(why.field, "action");
	buf_done(&text);
}
