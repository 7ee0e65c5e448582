/* SPDX-License-Identifier: Apache-2.0 */

/* A server that fails again and again costs neither a busy loop nor a flood of log lines. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "net/net.h"
#include "net/redis_parts.h"
#include "tests/support/liar.h"
#include "tests/support/redis_server.h"
#include "tests/unit/net/redis_fixture.h"

static int stderr_fd = -1;

static void capture_log(void)
{
	FILE *file = tmpfile();

	cr_assert_not_null(file);
	stderr_fd = dup(fileno(file));
	fclose(file);
	cr_assert_geq(dup2(stderr_fd, STDERR_FILENO), 0);
}

static int count_lines(const char *words)
{
	static char text[1 << 16];
	ssize_t n = pread(stderr_fd, text, sizeof(text) - 1, 0);
	int count = 0;

	cr_assert_geq(n, 0);
	text[n] = '\0';
	for (const char *at = text; (at = strstr(at, words)); at++)
		count++;
	return count;
}

/* As an owner does who got an error: each time with other words. */
static void give_up(struct fixture *f)
{
	char why[128];

	snprintf(why, sizeof(why), "%s the %dth time", f->last, f->replies);
	redis_fail(f->redis, why);
}

Test(redis_pace,
     a_server_that_greets_well_and_fails_each_command_is_left_alone_for_longer_and_longer)
{
	struct fixture f = { .react = give_up };
	struct liar liar;

	cr_assert_eq(uv_loop_init(&f.loop), 0);
	liar_start(&liar, &f.loop, LIAR_GOOD_GREETING, "-ERR no\r\n");
	connect_to_socket(&f, liar.path);
	for (int round = 1; round <= 4; round++) {
		wait_for(&f, is_up, round, "the connection");
		send_ok(&f, "GET", "x");
		wait_for(&f, is_down, round, "the loss");
		cr_expect_eq(f.redis->backoff.tries, (unsigned)round, "the pauses began again");
	}
	liar_stop(&liar);
	close_fixture(&f);
}

Test(redis_pace, losses_for_ever_new_reasons_are_five_lines_a_minute)
{
	struct fixture f = { .react = give_up };
	struct liar liar;

	capture_log();
	cr_assert_eq(uv_loop_init(&f.loop), 0);
	liar_start(&liar, &f.loop, LIAR_GOOD_GREETING, "-ERR no\r\n");
	connect_to_socket(&f, liar.path);
	f.redis->backoff =
		(struct backoff){ .first_ms = 1, .max_ms = 1 }; /* fifty minutes in one */
	for (int round = 1; round <= 50; round++) {
		wait_for(&f, is_up, round, "the connection");
		send_ok(&f, "GET", "x");
		wait_for(&f, is_down, round, "the loss");
	}
	cr_expect_eq(count_lines("redis is away"), 5);
	cr_expect_leq(count_lines("redis is here"), 6);
	liar_stop(&liar);
	close_fixture(&f);
}
