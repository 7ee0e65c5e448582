/* SPDX-License-Identifier: Apache-2.0 */

/* Every code has words, and none of them costs memory. */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <uv.h>

#include "core/errno_text.h"

static const struct {
	int rc;
	const char *text;
} cases[] = {
	{ UV_EOF, "end of file" },
	{ UV_EAI_NONAME, "unknown node or service" },
	{ -ECONNREFUSED, "connection refused" },
	/* libuv has no name for these, and ours use them. */
	{ -EBADMSG, "Bad message" },
	{ -ESTALE, "Stale file handle" },
	{ -EDEADLK, "Resource deadlock avoided" },
	{ -ENOKEY, "Required key not available" },
	/* Nobody has a name for these. */
	{ -1999, "an unknown error" },
	{ INT_MIN, "an unknown error" },
	{ INT_MAX, "an unknown error" },
};

Test(errno_text, has_words_for_every_code)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_str_eq(errno_text(cases[i].rc), cases[i].text, "%d", cases[i].rc);
}

Test(errno_text, gives_the_same_string_again_and_allocates_nothing)
{
	for (int rc = -5000; rc <= 200; rc++) {
		cr_assert_not_null(errno_text(rc));
		cr_expect_eq(errno_text(rc), errno_text(rc), "%d", rc);
	}
}
