/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/support/full_disk.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>

void limit_files(rlim_t bytes)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct rlimit limit;

	cr_assert_eq(sigaction(SIGXFSZ, &ignore, NULL), 0);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

int count_entries(const char *folder)
{
	DIR *entries = opendir(folder);
	int count = -2; /* the folder itself and its parent */

	cr_assert(entries);
	while (readdir(entries))
		count++;
	closedir(entries);
	return count;
}
