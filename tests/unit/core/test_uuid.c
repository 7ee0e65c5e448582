/* SPDX-License-Identifier: Apache-2.0 */

/* UUIDs: the vectors of RFC 9562, strict parsing, fresh ones. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/uuid.h"

#define SAMPLE "0f8fad5b-d9cb-469f-a165-70867728950e"

static struct uuid parsed(const char *text)
{
	struct uuid id;

	cr_assert_eq(uuid_parse(str_of(text), &id), 0, "%s", text);
	return id;
}

Test(uuid_parse, gives_what_format_writes)
{
	static const char *const cases[] = {
		"00000000-0000-0000-0000-000000000000",
		SAMPLE,
		"ffffffff-ffff-ffff-ffff-ffffffffffff",
		"01234567-89ab-cdef-0123-456789abcdef",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[UUID_TEXT_SIZE];
		struct uuid id = parsed(cases[i]);

		uuid_format(&id, text);
		cr_expect_str_eq(text, cases[i]);
	}
	cr_expect_eq(memcmp(parsed(SAMPLE).bytes,
			    "\x0f\x8f\xad\x5b\xd9\xcb\x46\x9f\xa1\x65\x70\x86\x77\x28\x95\x0e", 16),
		     0);
}

Test(uuid_parse, reads_capitals)
{
	struct uuid small = parsed(SAMPLE);
	struct uuid capital = parsed("0F8FAD5B-D9CB-469F-A165-70867728950E");

	cr_expect(uuid_eq(&small, &capital));
}

Test(uuid_parse, refuses_everything_else_and_leaves_out_alone)
{
	static const struct str cases[] = {
		STR(""),
		STR("0f8fad5b-d9cb-469f-a165-70867728950"),
		STR("0f8fad5b-d9cb-469f-a165-70867728950e0"),
		STR("0f8fad5bd9cb469fa16570867728950e"),
		STR("{0f8fad5b-d9cb-469f-a165-7086772895}"),
		STR("0f8fad5b-d9cb-469f-a165-70867728950g"),
		STR("0f8fad5b-d9cb-469f-a165-70867728950 "),
		STR("0f8fad5b-d9cb-469f-a165-7086772895\0e"),
		STR("0f8fad5b-d9cb-469f-a1657-0867728950e"),
		STR("0f8fad5b+d9cb-469f-a165-70867728950e"),
		STR("0f8fad5b-d9cb-469f-a165-7086772895-e"),
		STR("------------------------------------"),
	};
	struct uuid before = parsed(SAMPLE);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct uuid id = before;

		cr_expect_eq(uuid_parse(cases[i], &id), -EINVAL, "case %zu", i);
		cr_expect(uuid_eq(&id, &before), "case %zu", i);
	}
}

Test(uuid_v5, agrees_with_known_names)
{
	static const struct {
		const char *name;
		const char *expected;
	} cases[] = {
		{ "www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2" }, /* RFC 9562 A.4 */
		{ "python.org", "886313e1-3b8a-5372-9b90-0c9aee199e5d" },
		{ "", "4ebd0208-8328-5d69-8c44-ec50939c0967" },
	};
	struct uuid dns = parsed("6ba7b810-9dad-11d1-80b4-00c04fd430c8");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[UUID_TEXT_SIZE];
		struct uuid id;

		uuid_v5(&dns, str_of(cases[i].name), &id);
		uuid_format(&id, text);
		cr_expect_str_eq(text, cases[i].expected);
	}
}

Test(uuid_v8, is_time_number_and_hash)
{
	static const struct {
		struct stream_id entry;
		const char *name;
		const char *expected; /* reckoned by another program */
	} cases[] = {
		{ { UINT64_C(1779598928123), UINT64_C(4) },
		  "1779598928123-4",
		  "019e585c-a8fb-8000-8499-fa7c4997cd4c" },
		{ { UINT64_C(0), UINT64_C(0) }, "", "00000000-0000-8000-804e-bc3bf944587d" },
		{ { UINT64_C(281474976710655), UINT64_C(262143) },
		  "x",
		  "ffffffff-ffff-8fff-bf32-30b69d2f1993" },
		{ { UINT64_C(18446744073709551615), UINT64_C(18446744073709551615) },
		  "x",
		  "ffffffff-ffff-8fff-bf32-30b69d2f1993" },
		{ { UINT64_C(1779598928123), UINT64_C(173507) },
		  "n",
		  "019e585c-a8fb-8a97-83b0-fee00b8d10ba" },
	};
	struct uuid dns = parsed("6ba7b810-9dad-11d1-80b4-00c04fd430c8");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[UUID_TEXT_SIZE];
		struct uuid id;

		uuid_v8(cases[i].entry, &dns, str_of(cases[i].name), &id);
		uuid_format(&id, text);
		cr_expect_str_eq(text, cases[i].expected);
	}
}

Test(uuid_v8, is_in_the_order_of_the_stream)
{
	static const struct stream_id ordered[] = {
		{ 0, 0 },
		{ 0, 1 },
		{ 1, 0 },
		{ 255, 63 },
		{ 255, 64 },
		{ 255, 16383 },
		{ 255, 16384 },
		{ 255, UUID_MAX_SEQ },
		{ 256, 0 },
		{ 1779598928123, 9 },
		{ 1779598928124, 0 },
	};
	struct uuid space;
	struct uuid before = { { 0 } };

	uuid_v4(&space);
	for (size_t i = 0; i < ARRAY_LEN(ordered); i++) {
		struct uuid id;

		uuid_v8(ordered[i], &space, STR("x"), &id);
		cr_expect_gt(uuid_compare(&id, &before), 0, "case %zu", i);
		cr_expect_eq(stream_id_compare(uuid_v8_entry(&id), ordered[i]), 0, "case %zu", i);
		before = id;
	}
}

Test(uuid_v4, is_random_but_for_version_and_variant)
{
	struct uuid ones = { { 0 } };
	struct uuid zeros;

	memset(&zeros, 0xff, sizeof(zeros));
	for (int i = 0; i < 200; i++) {
		struct uuid id;

		uuid_v4(&id);
		cr_assert_eq(id.bytes[6] >> 4, 4);
		cr_assert_eq(id.bytes[8] >> 6, 2);
		for (size_t at = 0; at < sizeof(id.bytes); at++) {
			ones.bytes[at] |= id.bytes[at];
			zeros.bytes[at] &= id.bytes[at];
		}
	}
	for (size_t at = 0; at < sizeof(ones.bytes); at++) {
		cr_expect_eq(ones.bytes[at],
			     at == 6   ? 0x4f
			     : at == 8 ? 0xbf
				       : 0xff,
			     "byte %zu", at);
		cr_expect_eq(zeros.bytes[at], at == 6 ? 0x40 : at == 8 ? 0x80 : 0, "byte %zu", at);
	}
}

Test(uuid_compare, orders_by_bytes)
{
	struct uuid zero = { { 0 } };
	struct uuid low = parsed("00000000-0000-0000-0000-0000000000ff");
	struct uuid high = parsed("80000000-0000-0000-0000-000000000000");

	cr_expect_lt(uuid_compare(&low, &high), 0);
	cr_expect_gt(uuid_compare(&high, &low), 0);
	cr_expect(uuid_is_zero(&zero));
	cr_expect_not(uuid_is_zero(&low));
	cr_expect_not(uuid_is_zero(&high));
}

Test(uuid_hash, differs_where_the_low_half_differs)
{
	struct uuid id = parsed(SAMPLE);
	struct uuid other = id;

	cr_expect_eq(uuid_hash(&id), uuid_hash(&other));
	for (size_t at = 8; at < sizeof(id.bytes); at++) {
		other = id;
		other.bytes[at] ^= 1;
		cr_expect_neq(uuid_hash(&id), uuid_hash(&other), "byte %zu", at);
	}
}
