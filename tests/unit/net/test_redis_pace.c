/* SPDX-License-Identifier: Apache-2.0 */

/* A server that fails again and again costs neither a busy loop nor a flood of log lines. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log_limit.h"
#include "net/net.h"
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

static const char *read_log(void)
{
	static char text[1 << 16];
	ssize_t n = pread(stderr_fd, text, sizeof(text) - 1, 0);

	cr_assert_geq(n, 0);
	text[n] = '\0';
	return text;
}

static int count_lines(const char *words)
{
	int count = 0;

	for (const char *at = read_log(); (at = strstr(at, words)); at++)
		count++;
	return count;
}

/* The pause named in the last log line about a loss. */
static int last_pause_ms(void)
{
	int pause_ms = 0;

	for (const char *at = read_log(); (at = strstr(at, "retry_ms=")); at++)
		pause_ms = (int)strtol(at + 9, NULL, 10);
	return pause_ms;
}

/* As an owner does on an error; the text differs each time. */
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
	int pause_ms = 0;

	capture_log();
	cr_assert_eq(uv_loop_init(&f.loop), 0);
	liar_start(&liar, &f.loop, LIAR_GOOD_GREETING, "-ERR no\r\n");
	connect_to_socket(&f, liar.path);
	for (int round = 1; round <= 4; round++) {
		wait_for(&f, is_up, round, "the connection");
		send_ok(&f, "GET", "x");
		wait_for(&f, is_down, round, "the loss");
		cr_expect_gt(last_pause_ms(), pause_ms, "the pauses began again");
		pause_ms = last_pause_ms();
	}
	liar_stop(&liar);
	close_fixture(&f);
}

Test(redis_pace, losses_for_ever_new_reasons_are_a_few_lines_a_minute)
{
	struct fixture f = { .react = give_up, .max_pause_ms = 1 }; /* fifty minutes in one */
	int64_t began_ms = clock_mono_ms();
	int64_t most;
	struct liar liar;

	capture_log();
	cr_assert_eq(uv_loop_init(&f.loop), 0);
	liar_start(&liar, &f.loop, LIAR_GOOD_GREETING, "-ERR no\r\n");
	connect_to_socket(&f, liar.path);
	for (int round = 1; round <= 50; round++) {
		wait_for(&f, is_up, round, "the connection");
		send_ok(&f, "GET", "x");
		wait_for(&f, is_down, round, "the loss");
	}
	/* The loop's clock cannot be held: minutes may begin in between. */
	most = (2 + (clock_mono_ms() - began_ms) / 60000) * LOG_LIMIT_LINES;
	cr_expect_geq(count_lines("Redis is unavailable"), LOG_LIMIT_LINES);
	cr_expect_leq(count_lines("Redis is unavailable"), most);
	cr_expect_leq(count_lines("Redis is available"), most + 1);
	liar_stop(&liar);
	close_fixture(&f);
}
