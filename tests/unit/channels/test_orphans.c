/* SPDX-License-Identifier: Apache-2.0 */

/* Whose lease may be taken back: only that of a process of this host that is surely gone. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channels/orphans.h"

static pid_t gone_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static bool judge(const char *host, long pid, const char *noise)
{
	char owner[96];

	snprintf(owner, sizeof(owner), "%s-%ld%s", host, pid, noise);
	return is_orphan(str_of(owner), STR("web-1-77-0a1b2c3d"));
}

Test(orphans, are_processes_of_this_host_that_are_gone)
{
	cr_expect(judge("web-1", gone_pid(), "-0a1b2c3d"));
}

Test(orphans, are_not_processes_that_run)
{
	cr_expect_not(judge("web-1", getpid(), "-0a1b2c3d"));
	cr_expect_not(judge("web-1", 1, "-0a1b2c3d"), "alive, and not ours to signal");
}

Test(orphans, are_not_those_of_other_hosts)
{
	pid_t pid = gone_pid();

	cr_expect_not(judge("web-2", pid, "-0a1b2c3d"));
	cr_expect_not(judge("web", pid, "-0a1b2c3d"));
	cr_expect_not(judge("", pid, "-0a1b2c3d"));
}

Test(orphans, are_not_names_that_cannot_be_read)
{
	static const char *const names[] = { "",
					     "-",
					     "--",
					     "web-1",
					     "web-1-x-0a1b",
					     "web-1-0-0a1b",
					     "web-1--5-0a1b",
					     "web-1-99999999999-0a1b",
					     "web-1-4294967297-0a" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cr_expect_not(is_orphan(str_of(names[i]), STR("web-1-77-0a1b2c3d")), "%s",
			      names[i]);
}
