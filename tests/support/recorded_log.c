/* SPDX-License-Identifier: Apache-2.0 */

/* Standard error becomes a file that has no name. */
#include "tests/support/recorded_log.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

FILE *record_log(void)
{
	FILE *log = tmpfile();

	cr_assert(log);
	cr_assert_geq(dup2(fileno(log), STDERR_FILENO), 0);
	return log;
}

int count_lines(FILE *log, const char *words)
{
	char line[4096];
	int count = 0;

	rewind(log);
	while (fgets(line, sizeof(line), log))
		count += strstr(line, words) != NULL;
	return count;
}
