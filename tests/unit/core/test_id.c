/* SPDX-License-Identifier: Apache-2.0 */

/* Public ids: the vectors of contract g, the range check, strict shape. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "core/id.h"

static const struct {
	const char *uuid;
	const char *digits;
} vectors[] = {
	{ "00000000-0000-0000-0000-000000000000", "0000000000000000000000000" },
	{ "0f8fad5b-d9cb-469f-a165-70867728950e", "0x5yg3bfyrehlas5fmd3rslxq" },
	{ "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6dfzh5ik5uxynzmlf5cshamdk" },
	{ "ffffffff-ffff-ffff-ffff-ffffffffffff", "f5lxx1zz5pnorynqglhzmsp33" },
};

static const char *const prefixes[ID_KINDS] = {
	[ID_CAPSULE] = "cl-", [ID_TEAM] = "team-",  [ID_USER] = "usr-",  [ID_KEY] = "key-",
	[ID_HOST] = "host-",  [ID_CHANNEL] = "ch-", [ID_AUDIT] = "log-",
};

Test(id, reads_and_writes_the_vectors_of_the_contract_for_every_kind)
{
	for (enum id_kind kind = 0; kind < ID_KINDS; kind++) {
		for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
			char expected[64];
			char text[ID_TEXT_SIZE];
			struct uuid id;
			struct uuid parsed;

			cr_assert_eq(uuid_parse(str_of(vectors[i].uuid), &id), 0);
			snprintf(expected, sizeof(expected), "%s%s", prefixes[kind],
				 vectors[i].digits);
			id_format(kind, &id, text);
			cr_expect_str_eq(text, expected);
			cr_assert_eq(id_parse(kind, str_of(text), &parsed), 0, "%s", text);
			cr_expect(uuid_eq(&parsed, &id), "%s", text);
		}
	}
}

Test(id_parse, refuses_values_past_128_bits)
{
	static const char *const cases[] = {
		"cl-f5lxx1zz5pnorynqglhzmsp34", /* 2^128 */
		"cl-f5lxx1zz5pnorynqglhzmsp3z", "cl-f5lxx1zz5pnorynqglhzmsp40",
		"cl-f5lxx1zz5pnorynqglhzmsq00", "cl-g000000000000000000000000",
		"cl-zzzzzzzzzzzzzzzzzzzzzzzzz",
	};
	struct uuid id;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(id_parse(ID_CAPSULE, str_of(cases[i]), &id), -EINVAL, "%s", cases[i]);
}

Test(id_parse, refuses_every_other_shape)
{
	static const struct str cases[] = {
		STR(""),
		STR("cl-"),
		STR("0x5yg3bfyrehlas5fmd3rslxq"),
		STR("cl-0x5yg3bfyrehlas5fmd3rslx"),
		STR("cl-0x5yg3bfyrehlas5fmd3rslxq0"),
		STR("cl-0x5yg3bfyrehlas5fmd3rslxQ"),
		STR("CL-0x5yg3bfyrehlas5fmd3rslxq"),
		STR("cl_0x5yg3bfyrehlas5fmd3rslxq"),
		STR("ch-0x5yg3bfyrehlas5fmd3rslxq"),
		STR("cl-0x5yg3bfyrehlas5fmd3rslx "),
		STR("cl-0x5yg3bfyrehlas5fmd3rslx\0"),
		STR("cl--x5yg3bfyrehlas5fmd3rslxq"),
		STR("cl-0x5yg3bfyrehlas5fmd3rsl\xc3\xa9"),
		STR("team-0x5yg3bfyrehlas5fmd3rslxq"),
		STR("cl-0x5yg3bfyrehlas5fmd3rsl/:"),
		STR("cl-0x5yg3bfyrehlas5fmd3rsl`{"),
	};
	struct uuid id;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(id_parse(ID_CAPSULE, cases[i], &id), -EINVAL, "case %zu", i);
	cr_expect_eq(id_parse(ID_TEAM, str_of(NULL), &id), -EINVAL);
}

Test(id_format, keeps_the_order_of_the_bytes)
{
	char last[ID_TEXT_SIZE] = "";

	for (unsigned i = 0; i < 16 * 255; i++) {
		char text[ID_TEXT_SIZE];
		struct uuid id = { { 0 } };

		id.bytes[15 - i / 255] = (uint8_t)(i % 255 + 1);
		id_format(ID_AUDIT, &id, text);
		cr_assert_gt(strcmp(text, last), 0, "%s after %s", text, last);
		memcpy(last, text, sizeof(last));
	}
}
