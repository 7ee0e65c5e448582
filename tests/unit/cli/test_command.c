/* SPDX-License-Identifier: Apache-2.0 */

/* What every command shares: exit codes and the form of a duration. */
#include <criterion/criterion.h>
#include <errno.h>

#include "cli/command.h"

Test(command, ends_with_the_code_of_what_went_wrong)
{
	static const struct {
		int rc;
		int code;
	} cases[] = {
		{ 0, EXIT_GOOD },
		{ -EINVAL, EXIT_USAGE },
		{ -E2BIG, EXIT_USAGE },
		{ -ENOENT, EXIT_USAGE },
		{ -EEXIST, EXIT_USAGE },
		{ -ENOTCONN, EXIT_UNREACHABLE },
		{ -ECONNREFUSED, EXIT_UNREACHABLE },
		{ -ETIMEDOUT, EXIT_UNREACHABLE },
		{ -EACCES, EXIT_UNREACHABLE },
		{ -EPERM, EXIT_UNREACHABLE },
		{ -EIO, EXIT_FAILED },
		{ -ENOMEM, EXIT_FAILED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(command_code(cases[i].rc), cases[i].code, "%d", cases[i].rc);
}

Test(command, takes_a_duration_with_and_without_its_unit)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{ "60", 60000 },   { "60s", 60000 },      { "1m", 60000 },
		{ "2h", 7200000 }, { "1d", 86400000 },    { "0", 0 },
		{ "", -1 },        { "s", -1 },           { "1.5m", -1 },
		{ "-1", -1 },      { "1 m", -1 },         { "1w", -1 },
		{ "soon", -1 },    { "99999999999", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;
		int rc = command_duration(cases[i].text, &ms);

		cr_expect_eq(rc, cases[i].ms < 0 ? -EINVAL : 0, "%s", cases[i].text);
		cr_expect_eq(ms, cases[i].ms, "%s", cases[i].text);
	}
}
