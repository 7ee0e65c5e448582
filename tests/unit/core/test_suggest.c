/* SPDX-License-Identifier: Apache-2.0 */

/* Which word an error names after a slip. */
#include <criterion/criterion.h>

#include "core/attributes.h"
#include "core/suggest.h"

Test(suggest, names_the_word_that_was_meant)
{
	static const char *const words[] = { "list", "create", "show", "delete", "deliveries" };
	static const struct {
		const char *typed;
		const char *meant;
	} cases[] = {
		{ "creat", "create" },   /* a letter is missing */
		{ "creaate", "create" }, /* one is too many */
		{ "craete", "create" },  /* two are exchanged */
		{ "shaw", "show" },      /* one is wrong */
		{ "lsit", "list" },      /* also in a short word */
		{ "dele", "delete" },    /* a beginning */
		{ "deliv", "deliveries" },
		{ "delivreys", "deliveries" },
		{ "show", "show" },
		{ "snooze", NULL },
		{ "shut", NULL }, /* two of four letters are wrong */
		{ "l", NULL },    /* a letter is no attempt at a word */
		{ "", NULL },
		{ "creatures-of-the-deep-that-nobody-would-ever-type", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct suggestion suggestion = { .typed = cases[i].typed };

		for (size_t k = 0; k < ARRAY_LEN(words); k++)
			suggest_consider(&suggestion, words[k]);
		if (cases[i].meant)
			cr_expect_str_eq(suggestion.meant, cases[i].meant, "%s", cases[i].typed);
		else
			cr_expect_null(suggestion.meant, "%s: %s", cases[i].typed,
				       suggestion.meant);
	}
}
