/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <string.h>

#include "api/api.h"

Test(fields, leave_out_what_is_not_set)
{
	const struct uuid id = { { 0x0f, 0x8f } };
	struct buf out;

	buf_init(&out, 4096);
	buf_add_char(&out, '{');
	field_add_time(&out, "never", 0);
	field_add_text(&out, "empty", STR(""));
	field_add_time(&out, "at", INT64_C(1779598928123456));
	field_add_number(&out, "count", -7);
	field_add_uuid(&out, "id", &id);
	field_add_text(&out, "text", STR("\"quoted\""));
	cr_assert_eq(out.err, 0);
	cr_expect_str_eq(buf_text(&out), "{\"at\":\"2026-05-24T05:02:08Z\",\"count\":-7,"
					 "\"id\":\"0f8f0000-0000-0000-0000-000000000000\","
					 "\"text\":\"\\\"quoted\\\"\"");
	buf_done(&out);
}

Test(fields, cut_a_long_text_between_characters)
{
	char text[1026];
	struct buf out;

	memset(text, 'x', sizeof(text));
	memcpy(text + 1023, "\xc3\xa4", 2); /* an ä on the edge */
	buf_init(&out, 4096);
	field_add_text(&out, "t", (struct str){ text, sizeof(text) });
	cr_expect_eq(out.len, strlen("\"t\":\"\"") + 1023);
	buf_done(&out);
}
