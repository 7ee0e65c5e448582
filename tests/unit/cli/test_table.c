/* SPDX-License-Identifier: Apache-2.0 */

/* Tables as a terminal shows them. */
#include <criterion/criterion.h>

#include "cli/table.h"

static struct table table;
static struct buf out;

static void begin(void)
{
	table_init(&table);
	buf_init(&out, 65536);
}

static void end(void)
{
	table_done(&table);
	buf_done(&out);
}

TestSuite(table, .init = begin, .fini = end);

static void add_row(const char *a, const char *b, const char *c)
{
	table_add(&table, TONE_PLAIN, str_of(a));
	table_add(&table, TONE_BAD, str_of(b));
	table_add(&table, TONE_PLAIN, str_of(c));
	table_end_row(&table);
}

static void expect(size_t columns, bool coloured, const char *expected)
{
	table_write(&table, columns, coloured, &out);
	cr_expect_eq(out.err, 0);
	cr_expect_str_eq(buf_text(&out), expected);
}

Test(table, columns_are_as_wide_as_what_a_terminal_shows)
{
	table_add_head(&table, (const char *const[]){ "ID", "NAME", "TEXT", NULL });
	add_row("1", "日本", "x");
	add_row("22", "e\xcc\x81", "y");
	add_row("333", "👨‍👩‍👧", "z");
	add_row("4", "🇩🇪", "");
	expect(0, false,
	       "ID   NAME  TEXT\n"
	       "1    日本  x\n"
	       "22   e\xcc\x81     y\n"
	       "333  👨‍👩‍👧    z\n"
	       "4    🇩🇪\n");
}

Test(table, escapes_what_a_terminal_would_obey)
{
	add_row("\xc2\x9b"
		"2J",
		"\xe2\x80\xae"
		"abc",
		"a\nb\x1b[0m\xff");
	expect(0, false, "\\u009b2J  \\u202eabc  a\\u000ab\\u001b[0m\\xff\n");
}

Test(table, ends_where_the_terminal_does)
{
	add_row("1", "two", "a long text that does not fit");
	expect(16, false, "1  two  a long …\n");
}

Test(table, does_not_cut_a_wide_character_in_two)
{
	add_row("1", "two", "日本語日本語");
	expect(14, false, "1  two  日本…\n");
}

Test(table, keeps_a_text_that_is_read_as_a_whole)
{
	table.keeps_tail = true;
	add_row("1", "two", "a long text that does not fit");
	expect(16, false, "1  two  a long text that does not fit\n");
}

Test(table, colours_a_cell_without_its_blanks)
{
	add_row("1", "two", "");
	add_row("22", "3", "end");
	expect(0, true, "1   \033[31mtwo\033[0m\n22  \033[31m3\033[0m    end\n");
}

Test(table, survives_a_terminal_of_no_width)
{
	add_row("12345", "two", "end");
	expect(3, false, "12345  two  …\n");
}
