/* SPDX-License-Identifier: Apache-2.0 */

/* Whose things may be taken over: only those of a process of this place that is surely gone. */
#include "core/worker_name.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/attributes.h"

#define PLACE "5ea51de0"
#define NOISE "0a1b2c3d"
#define OURS  STR("web-1-" PLACE "-77-" NOISE)

static pid_t gone_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static bool judge(const char *host_and_place, long pid)
{
	char name[WORKER_NAME_SIZE];

	snprintf(name, sizeof(name), "%s-%ld-" NOISE, host_and_place, pid);
	return worker_name_is_gone(str_of(name), OURS);
}

/* ---- made ---------------------------------------------------------------------------------- */

Test(worker_name, differs_with_every_call)
{
	char first[WORKER_NAME_SIZE];
	char second[WORKER_NAME_SIZE];

	worker_name_make(first);
	worker_name_make(second);
	cr_expect_str_neq(first, second);
}

Test(worker_name, begins_with_the_host_and_holds_the_process)
{
	char name[WORKER_NAME_SIZE];
	char host[64];
	char pid[16];

	cr_assert_eq(gethostname(host, sizeof(host)), 0);
	snprintf(pid, sizeof(pid), "-%d-", (int)getpid());
	worker_name_make(name);
	cr_expect(str_starts(str_of(name), str_of(host)), "%s", name);
	cr_expect_not_null(strstr(name, pid), "%s", name);
}

Test(worker_name, of_a_child_of_ours_is_gone_when_the_child_is)
{
	char ours[WORKER_NAME_SIZE];
	char name[WORKER_NAME_SIZE] = "";
	int child_to_us[2];
	int us_to_child[2];
	char byte;

	cr_assert_eq(pipe(child_to_us), 0);
	cr_assert_eq(pipe(us_to_child), 0);

	pid_t pid = fork();

	if (pid == 0) {
		close(us_to_child[1]);
		worker_name_make(name);
		_exit(write(child_to_us[1], name, sizeof(name)) < 0 ||
		      read(us_to_child[0], &byte, 1) < 0);
	}
	worker_name_make(ours);
	cr_assert_eq(read(child_to_us[0], name, sizeof(name)), (ssize_t)sizeof(name));
	cr_expect_not(worker_name_is_gone(str_of(name), str_of(ours)), "%s lives", name);
	close(us_to_child[1]);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_expect(worker_name_is_gone(str_of(name), str_of(ours)), "%s is gone", name);
	cr_expect_not(worker_name_is_gone(str_of(ours), str_of(ours)), "we are not");
}

/* ---- judged -------------------------------------------------------------------------------- */

Test(worker_name, is_gone_when_the_process_is)
{
	cr_expect(judge("web-1-" PLACE, gone_pid()));
}

Test(worker_name, is_not_gone_while_the_process_runs)
{
	cr_expect_not(judge("web-1-" PLACE, getpid()));
	cr_expect_not(judge("web-1-" PLACE, 1), "alive, and perhaps not ours to signal");
}

Test(worker_name, of_another_place_is_never_gone)
{
	static const char *const places[] = {
		"web-2-" PLACE,   "web-" PLACE,      "-" PLACE,        PLACE,
		"web-1-x-" PLACE, "web-1",           "web-1-",         "web-1-5ea51de1",
		"web-1-5ea51de",  "web-1-5ea51de0a", "web-1-5EA51DE0", "web-1-" PLACE "-",
		"web-1-zzzzzzzz"
	};
	pid_t pid = gone_pid();

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		cr_expect_not(judge(places[i], pid), "%s", places[i]);
}

Test(worker_name, that_cannot_be_read_is_never_gone)
{
	static const char *const names[] = {
		"",
		"-",
		"--",
		"---",
		"web-1",
		"web-1-" PLACE "-x-" NOISE,
		"web-1-" PLACE "-0-" NOISE,
		"web-1-" PLACE "--" NOISE,
		"web-1-" PLACE "--5-" NOISE,
		"web-1-" PLACE "-+5-" NOISE,
		"web-1-" PLACE "-2147483648-" NOISE,
		"web-1-" PLACE "-99999999999-" NOISE,
		"web-1-" PLACE "-4294967297-" NOISE,
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cr_expect_not(worker_name_is_gone(str_of(names[i]), OURS), "%s", names[i]);
}

Test(worker_name, with_another_end_is_never_gone)
{
	static const char *const ends[] = { "", "0a1b2c3", "0a1b2c3d4", "0a1b2c3g" };
	pid_t pid = gone_pid();
	char name[WORKER_NAME_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(name, sizeof(name), "web-1-" PLACE "-%d-%s", (int)pid, ends[i]);
		cr_expect_not(worker_name_is_gone(str_of(name), OURS), "%s", name);
	}
}

Test(worker_name, too_long_for_one_of_ours_is_never_gone)
{
	char name[2 * WORKER_NAME_SIZE];

	snprintf(name, sizeof(name), "web-1-" PLACE "-%0100d-" NOISE, (int)gone_pid());
	cr_expect_not(worker_name_is_gone(str_of(name), OURS));
}

Test(worker_name, that_cannot_be_read_as_ours_knows_nobody)
{
	static const char *const ours[] = { "", "me", "web-1-77-" NOISE, "web-1-" PLACE "-77-" };
	char name[WORKER_NAME_SIZE];

	snprintf(name, sizeof(name), "web-1-" PLACE "-%d-" NOISE, (int)gone_pid());
	cr_expect(worker_name_is_gone(str_of(name), OURS));
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		cr_expect_not(worker_name_is_gone(str_of(name), str_of(ours[i])), "%s", ours[i]);
}
