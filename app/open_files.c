/* SPDX-License-Identifier: Apache-2.0 */

/* Services start with a soft limit of 1,024 open files and a far higher hard one. The low default
 * protects programs that use select(2). Nothing in this program uses it. */
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
