/* SPDX-License-Identifier: Apache-2.0 */

/* Services are started with room for 1,024 open files, and for far more if they ask for it: the low
 * default protects programs that use select(2), which nothing in here does. */
#include "app/open_files.h"

#include <sys/resource.h>

uint64_t open_files_allow(uint64_t wanted)
{
	struct rlimit limit;
	struct rlimit raised;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur >= wanted)
		return limit.rlim_cur;
	raised = limit;
	raised.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}
