/* SPDX-License-Identifier: Apache-2.0 */

/* The examples of RFC 8785: section 3.2 and the numbers of appendix B. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>

#include "core/json.h"
#include "proof/canonical.h"

static void expect_canonical(const char *json, const char *expected)
{
	cJSON *value = NULL;
	struct buf out;

	cr_assert_eq(json_parse(str_of(json), 4096, &value, NULL), 0, "%s", json);
	buf_init(&out, 4096);
	canonical_add(&out, value);
	cr_expect_str_eq(buf_text(&out), expected, "%s", json);
	buf_done(&out);
	cJSON_Delete(value);
}

Test(canonical, agrees_with_the_example_of_the_standard)
{
	expect_canonical("{\n  \"numbers\": [333333333.33333329, 1E30, 4.50,\n    2e-3, "
			 "0.000000000000000000000000001],\n  \"string\": "
			 "\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n  "
			 "\"literals\": [null, true, false]\n}",
			 "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,"
			 "0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

Test(canonical, orders_members_by_their_code_units)
{
	expect_canonical(
		"{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":"
		"\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":"
		"\"Emoji: Grinning Face\",\"\\u0080\":\"Control\",\"\\u00f6\":"
		"\"Latin Small Letter O With Diaeresis\"}",
		"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"ö\":"
		"\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":"
		"\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}");
	expect_canonical("{\"ab\":1,\"a\":2,\"\":3,\"aa\":{\"b\":[],\"a\":{}}}",
			 "{\"\":3,\"a\":2,\"aa\":{\"a\":{},\"b\":[]},\"ab\":1}");
}

Test(canonical, escapes_only_what_it_has_to)
{
	expect_canonical("\"\\b\\t\\n\\f\\r\\u0001\\u001f\\u007f\\u2028\\/\"",
			 "\"\\b\\t\\n\\f\\r\\u0001\\u001f\x7f"
			 "\u2028/\"");
}

static void expect_number(uint64_t bits, const char *expected)
{
	cJSON value = { .type = cJSON_Number };
	struct buf out;

	memcpy(&value.valuedouble, &bits, sizeof(bits));
	buf_init(&out, 64);
	canonical_add(&out, &value);
	if (expected)
		cr_expect_str_eq(buf_text(&out), expected, "%016llx", (unsigned long long)bits);
	else
		cr_expect_eq(out.err, -EINVAL, "%016llx", (unsigned long long)bits);
	buf_done(&out);
}

Test(canonical, prints_numbers_as_the_standard_does)
{
	static const struct {
		uint64_t bits;
		const char *expected;
	} cases[] = {
		{ 0x0000000000000000, "0" },
		{ 0x8000000000000000, "0" },
		{ 0x0000000000000001, "5e-324" },
		{ 0x8000000000000001, "-5e-324" },
		{ 0x7fefffffffffffff, "1.7976931348623157e+308" },
		{ 0xffefffffffffffff, "-1.7976931348623157e+308" },
		{ 0x4340000000000000, "9007199254740992" },
		{ 0xc340000000000000, "-9007199254740992" },
		{ 0x4430000000000000, "295147905179352830000" },
		{ 0x7fffffffffffffff, NULL },
		{ 0x7ff0000000000000, NULL },
		{ 0x44b52d02c7e14af5, "9.999999999999997e+22" },
		{ 0x44b52d02c7e14af6, "1e+23" },
		{ 0x44b52d02c7e14af7, "1.0000000000000001e+23" },
		{ 0x444b1ae4d6e2ef4e, "999999999999999700000" },
		{ 0x444b1ae4d6e2ef4f, "999999999999999900000" },
		{ 0x444b1ae4d6e2ef50, "1e+21" },
		{ 0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7" },
		{ 0x3eb0c6f7a0b5ed8d, "0.000001" },
		{ 0x41b3de4355555553, "333333333.3333332" },
		{ 0x41b3de4355555554, "333333333.33333325" },
		{ 0x41b3de4355555555, "333333333.3333333" },
		{ 0x41b3de4355555556, "333333333.3333334" },
		{ 0x41b3de4355555557, "333333333.33333343" },
		{ 0xbecbf647612f3696, "-0.0000033333333333333333" },
		{ 0x43143ff3c1cb0959, "1424953923781206.2" },
		/* The nearest decimal of 16 digits is another double: the next one up is meant. */
		{ 0x0060000000000000, "7.120236347223045e-307" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_number(cases[i].bits, cases[i].expected);
}
