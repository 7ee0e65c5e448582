/* SPDX-License-Identifier: Apache-2.0 */

/* Hexadecimal and base64: the vectors of RFC 4648 and everything strict reading refuses. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/crypto.h"

Test(hex_encode, writes_lower_case_and_a_nul)
{
	char out[9];

	hex_encode("\x00\x1f\xab\xff", 4, out);
	cr_expect_str_eq(out, "001fabff");
	hex_encode("", 0, out);
	cr_expect_str_eq(out, "");
}

Test(hex_decode, reads_either_case)
{
	uint8_t out[4];

	cr_expect(hex_decode(STR("001FaBfF"), out, 4));
	cr_expect_eq(memcmp(out, "\x00\x1f\xab\xff", 4), 0);
	cr_expect(hex_decode(STR(""), out, 0));
}

Test(hex_decode, refuses_everything_else_and_leaves_out_alone)
{
	static const char *const cases[] = {
		"",         "001fabf",  "001fabff0", "001fabff00", "001fabfg",
		"g01fabff", "001fab f", "001fab\nf", "0x1fabff",   "001fabf\xc3",
		"+01fabff", "001fab/f", "001fab:f",  "001fab@f",   "001fab`f",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t out[4] = { 7, 7, 7, 7 };

		cr_expect_not(hex_decode(str_of(cases[i]), out, 4), "\"%s\"", cases[i]);
		cr_expect_eq(memcmp(out, "\x07\x07\x07\x07", 4), 0, "\"%s\"", cases[i]);
	}
}

Test(base64, agrees_with_rfc_4648_in_both_directions)
{
	static const struct {
		struct str plain;
		const char *encoded;
	} cases[] = {
		{ { "", 0 }, "" },
		{ { "f", 1 }, "Zg==" },
		{ { "fo", 2 }, "Zm8=" },
		{ { "foo", 3 }, "Zm9v" },
		{ { "foob", 4 }, "Zm9vYg==" },
		{ { "fooba", 5 }, "Zm9vYmE=" },
		{ { "foobar", 6 }, "Zm9vYmFy" },
		{ { "\xff\xff\xfe\x00\x10\xfb", 6 }, "///+ABD7" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, 100);
		base64_encode(&out, cases[i].plain);
		cr_expect(str_is(buf_str(&out), cases[i].encoded), "%s", cases[i].encoded);
		buf_reset(&out);
		cr_expect(base64_decode(&out, str_of(cases[i].encoded)), "%s", cases[i].encoded);
		cr_expect(str_eq(buf_str(&out), cases[i].plain), "%s", cases[i].encoded);
		buf_done(&out);
	}
}

Test(base64_decode, refuses_what_is_not_strict_and_appends_nothing)
{
	static const char *const cases[] = {
		"Z",         "Zg",          "Zg=",      "Zm9vYg",  "Z===",     "====",  "=Zg=",
		"Zg==Zg==",  "Zg==Zm9v",    "Zm9vZ===", "Zm9v\n",  "Zm9v\r\n", "Zm 9",  " Zm9v",
		"Zm9-",      "Zm9_",        "Zh==",     "Zm9=",    "Zm8=====", "Zm9v=", "Zm9v====",
		"Zm9vZm9v*", "Zm9vZm9\xc3", "Zg=a",     "\x01m9v",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, 100);
		buf_add_text(&out, "kept");
		cr_expect_not(base64_decode(&out, str_of(cases[i])), "\"%s\"", cases[i]);
		cr_expect(str_is(buf_str(&out), "kept"), "\"%s\"", cases[i]);
		buf_done(&out);
	}
}

Test(base64_decode, does_not_read_past_its_slice)
{
	struct buf out;

	buf_init(&out, 100);
	for (size_t len = 1; len < 8; len++) {
		bool whole = len == 4;
		const struct str part = { .at = "Zm9vYg==", .len = len };

		cr_expect_eq(base64_decode(&out, part), whole, "first %zu bytes", len);
	}
	buf_done(&out);
}

Test(base64_decode, refuses_a_nul_byte)
{
	struct buf out;

	buf_init(&out, 100);
	cr_expect_not(base64_decode(&out, (struct str){ .at = "Zm9\0", .len = 4 }));
	cr_expect_not(base64_decode(&out, (struct str){ .at = "\0\0\0\0", .len = 4 }));
	buf_done(&out);
}

Test(base64_decode, is_false_past_the_limit_of_the_buffer)
{
	struct buf out;

	buf_init(&out, 5);
	cr_expect_not(base64_decode(&out, STR("Zm9vYmFy")));
	cr_expect_eq(out.err, -E2BIG);
	buf_done(&out);
}

Test(base64, gives_every_byte_back)
{
	char all[256];
	struct buf encoded, decoded;

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	for (size_t len = 0; len <= sizeof(all); len++) {
		struct str plain = { .at = all + sizeof(all) - len, .len = len };

		buf_init(&encoded, 400);
		buf_init(&decoded, 400);
		base64_encode(&encoded, plain);
		cr_expect_eq(encoded.len, (len + 2) / 3 * 4);
		cr_expect(base64_decode(&decoded, buf_str(&encoded)), "%zu bytes", len);
		cr_expect(str_eq(buf_str(&decoded), plain), "%zu bytes", len);
		buf_done(&encoded);
		buf_done(&decoded);
	}
}

Test(base64_decode_exact, takes_only_text_of_that_many_bytes)
{
	static const struct {
		const char *text;
		size_t n;
		const char *expected; /* NULL: refused */
	} cases[] = {
		{ "", 0, "" },           { "Zg==", 1, "f" },        { "Zm8=", 2, "fo" },
		{ "Zm9v", 3, "foo" },    { "Zm9vYg==", 4, "foob" }, { "Zm9v", 2, NULL },
		{ "Zm9v", 1, NULL },     { "Zm8=", 3, NULL },       { "Zg==", 2, NULL },
		{ "Zh==", 1, NULL },     { "Zm9", 3, NULL },        { "Zm9!", 3, NULL },
		{ "Zg==Zg==", 4, NULL }, { "Zg==Zm9v", 4, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[8] = "";
		bool is_good = base64_decode_exact(str_of(cases[i].text), out, cases[i].n);

		cr_expect_eq(is_good, cases[i].expected != NULL, "%zu", i);
		if (is_good)
			cr_expect_str_eq(out, cases[i].expected, "%zu", i);
	}
}
