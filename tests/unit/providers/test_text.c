/* SPDX-License-Identifier: Apache-2.0 */

/* Cutting in three units, of raw and of escaped text; never inside a grapheme or an escape. */
#include <criterion/criterion.h>

#include "core/event.h"
#include "core/utf8.h"
#include "providers/chat.h"

#define SMILE  "\xf0\x9f\x98\x80"
#define DOTS   "\xe2\x80\xa6"
#define ACUTE  "e\xcc\x81"                                    /* e and U+0301 */
#define FAMILY "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa6" /* two people and a joiner */
#define FLAG   "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa"             /* two halves */

static const char *cut(struct buf *out, const struct text_rule *rule, const char *head,
		       const char *tail, size_t max)
{
	const struct text_value value = { .head = str_of(head), .tail = str_of(tail) };

	buf_reset(out);
	text_add(out, rule, "value", value, max);
	return buf_text(out);
}

Test(text_size, counts_what_each_unit_counts)
{
	static const struct str text = { "a\xc3\xa9\xe2\x82\xac" SMILE, 10 };

	cr_expect_eq(text_size(text, UNIT_BYTES), 10);
	cr_expect_eq(text_size(text, UNIT_CODE_POINTS), 4);
	cr_expect_eq(text_size(text, UNIT_UTF16), 5);
	cr_expect_eq(text_size(STR(""), UNIT_UTF16), 0);
}

Test(text_add, cuts_in_the_unit_it_is_told)
{
	static const struct {
		enum text_unit unit;
		bool counts_escaped;
		const char *head, *tail;
		size_t max;
		const char *wanted;
	} cases[] = {
		{ UNIT_CODE_POINTS, false, "abcdef", "", 6, "abcdef" },
		{ UNIT_CODE_POINTS, false, "abcdef", "", 5, "abcd" DOTS },
		{ UNIT_CODE_POINTS, false, SMILE SMILE SMILE, "", 2, SMILE DOTS },
		{ UNIT_UTF16, false, SMILE SMILE SMILE, "", 6, SMILE SMILE SMILE },
		{ UNIT_UTF16, false, SMILE SMILE SMILE, "", 5, SMILE SMILE DOTS },
		{ UNIT_UTF16, false, SMILE SMILE SMILE, "", 4, SMILE DOTS },
		{ UNIT_BYTES, false, SMILE SMILE, "", 8, SMILE SMILE },
		{ UNIT_BYTES, false, SMILE SMILE, "", 7, SMILE DOTS },
		{ UNIT_BYTES, false, SMILE SMILE, "", 6, DOTS },
		{ UNIT_BYTES, false, SMILE SMILE, "", 2, "" },
		{ UNIT_BYTES, false, "", "", 0, "" },
		{ UNIT_CODE_POINTS, false, "abc", "", 0, "" },
		{ UNIT_CODE_POINTS, false, "abc", "", 1, DOTS },
		/* An escape counts once or as it stands, and is never torn. */
		{ UNIT_CODE_POINTS, false, "<<<<", "", 4, "&lt;&lt;&lt;&lt;" },
		{ UNIT_CODE_POINTS, true, "<<<<", "", 16, "&lt;&lt;&lt;&lt;" },
		{ UNIT_CODE_POINTS, true, "<<<<", "", 15, "&lt;&lt;&lt;" DOTS },
		{ UNIT_CODE_POINTS, true, "<<<<", "", 8, "&lt;" DOTS },
		/* Nor is what readers take for one character. */
		{ UNIT_CODE_POINTS, false, "ab" ACUTE "cd", "", 4, "ab" DOTS },
		{ UNIT_CODE_POINTS, false, "ab" ACUTE "cd", "", 5, "ab" ACUTE DOTS },
		{ UNIT_UTF16, false, "a" FAMILY "bc", "", 6, "a" DOTS },
		{ UNIT_UTF16, false, "a" FAMILY "bc", "", 8, "a" FAMILY "bc" },
		{ UNIT_UTF16, false, "a" FAMILY "bcd", "", 8, "a" FAMILY "b" DOTS },
		{ UNIT_BYTES, false, FLAG FLAG FLAG, "", 18, FLAG DOTS },
		{ UNIT_BYTES, false, FLAG FLAG FLAG, "", 23, FLAG FLAG DOTS },
		{ UNIT_CODE_POINTS, true, "<\xcc\x81<<<", "", 9, "&lt;\xcc\x81" DOTS },
		{ UNIT_CODE_POINTS, true, "<\xcc\x81<<<", "", 5, DOTS },
		{ UNIT_CODE_POINTS, false, FAMILY FAMILY, " (us-1)", 10, DOTS " (us-1)" },
		/* The name gives way, never the id. */
		{ UNIT_CODE_POINTS, false, "somebody", " (us-1)", 15, "somebody (us-1)" },
		{ UNIT_CODE_POINTS, false, "somebody", " (us-1)", 10, "so" DOTS " (us-1)" },
		{ UNIT_CODE_POINTS, false, "somebody", " (us-1)", 8, DOTS " (us-1)" },
		{ UNIT_CODE_POINTS, false, "somebody", " (us-1)", 7, " (us-1)" },
		{ UNIT_CODE_POINTS, false, "", " (us-1)", 4, " (u" DOTS },
	};
	struct buf out;

	buf_init(&out, 1024);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct text_rule rule = { cases[i].unit, cases[i].counts_escaped,
						text_escape_html, SIZE_MAX, NULL };

		cr_expect_str_eq(cut(&out, &rule, cases[i].head, cases[i].tail, cases[i].max),
				 cases[i].wanted, "case %zu: %s", i, buf_text(&out));
	}
	buf_done(&out);
}

Test(text_add, records_each_cut_and_no_more_than_it_can)
{
	struct trims trims = { .count = 0 };
	const struct text_rule rule = { UNIT_CODE_POINTS, false, text_escape_none, 5, &trims };
	struct buf out;

	buf_init(&out, 65536);
	cut(&out, &rule, "abc", "de", 10);
	cr_expect_eq(trims.count, 0);
	cut(&out, &rule, "abcdefgh", "-z", 10);
	cr_assert_eq(trims.count, 1);
	cr_expect_str_eq(trims.items[0].what, "value");
	cr_expect_eq(trims.items[0].kept, 4, "the rule's cap of five holds a mark, too");
	cr_expect_eq(trims.items[0].of, 10);
	for (size_t i = 0; i < 2 * TRIMS_MAX; i++)
		cut(&out, &rule, "abcdefgh", "", 4);
	cr_expect_eq(trims.count, TRIMS_MAX);
	buf_done(&out);
}

Test(text_clean, leaves_one_line_without_what_no_reader_sees)
{
	static const struct {
		struct str raw;
		const char *wanted;
	} cases[] = {
		{ { "a\nb", 3 }, "a b" },
		{ { "a\xff", 2 }, "a\xef\xbf\xbd" },
		{ { "\x1b[1m\tx\r", 7 }, "\xef\xbf\xbd[1m x " },
		{ { "a\xe2\x80\xae"
		    "b",
		    5 },
		  "ab" },
		{ { "a\xe2\x80\xa8\xe2\x80\xa9\xd8\x9c\nz", 11 }, "a   z" },
		{ { "\xe2\x80\xaa\xe2\x80", 5 }, "\xef\xbf\xbd\xef\xbf\xbd" },
	};
	struct buf out;

	buf_init(&out, 1024);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&out);
		text_clean(&out, cases[i].raw);
		cr_expect_str_eq(buf_text(&out), cases[i].wanted, "case %zu", i);
	}
	buf_done(&out);
}

Test(text_escape, turns_markup_into_entities)
{
	struct buf out;

	buf_init(&out, 1024);
	text_add_escaped(&out, text_escape_html, STR("&<>\"'a"));
	cr_expect_str_eq(buf_text(&out), "&amp;&lt;&gt;&quot;&#39;a");
	buf_reset(&out);
	text_add_escaped(&out, text_escape_amp, STR("&<>\"'a"));
	cr_expect_str_eq(buf_text(&out), "&amp;&lt;&gt;\"'a");
	buf_done(&out);
}

/* They are in the last line of a message, and people search for them. */
Test(chat_escape_unlinked, keeps_the_names_of_all_kinds)
{
	for (enum event_kind kind = EVENT_UNKNOWN; kind < EVENT_KINDS; kind++) {
		struct str name = str_of(event_kind_name(kind));
		struct buf out;

		if (!event_kind_is_subscribable(kind))
			continue;
		buf_init(&out, 256);
		text_add_escaped(&out, chat_escape_unlinked, name);
		cr_expect(str_eq(buf_str(&out), name), "%s", buf_text(&out));
		buf_done(&out);
	}
}
