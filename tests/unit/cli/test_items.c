/* SPDX-License-Identifier: Apache-2.0 */

/* The items of a list, byte by byte as they were. */
#include <criterion/criterion.h>

#include "cli/items.h"
#include "core/attributes.h"

Test(items, are_taken_one_after_another)
{
	static const struct {
		const char *answer;
		const char *items[4];
	} cases[] = {
		{ "[]", { NULL } },
		{ "{}", { NULL } },
		{ "\"items\"", { NULL } },
		{ "{\"items\":[]}", { NULL } },
		{ "[1,2.50,9007199254740993]", { "1", "2.50", "9007199254740993" } },
		{ "{\"items\":[{\"a\":[1,2]},{\"b\":\"]}\"}],\"next\":1}",
		  { "{\"a\":[1,2]}", "{\"b\":\"]}\"}" } },
		{ "{\"other\":{\"items\":[9]},\"items\":[true]}", { "true" } },
		{ "{\"x\":\"\\\"items\\\"\",\"items\":[\"\\\\\",null]}", { "\"\\\\\"", "null" } },
		{ " [ { \"a\" : 1 } ,\n [ ] ] ", { "{ \"a\" : 1 }", "[ ]" } },
		{ "{\"items\":7,\"more\":[1]}", { NULL } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str list = items_find(str_of(cases[i].answer));
		struct str item;
		size_t count = 0;

		while (items_next(&list, &item)) {
			cr_assert_not_null(cases[i].items[count], "%s", cases[i].answer);
			cr_expect(str_is(item, cases[i].items[count]), "%s: %.*s", cases[i].answer,
				  STR_ARGS(item));
			count++;
		}
		cr_expect_null(cases[i].items[count], "%s: only %zu", cases[i].answer, count);
	}
}
