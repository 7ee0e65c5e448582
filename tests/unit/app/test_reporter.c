/* SPDX-License-Identifier: Apache-2.0 */

/* What systemd is told, and when. The test sets the clock. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "app/reporter.h"
#include "core/metrics.h"

static char heard[1024];
static struct reporter reporter;
static struct vitals *vitals;

static void hear(const char *lines)
{
	size_t len = strlen(heard);

	snprintf(heard + len, sizeof(heard) - len, "%s;", lines);
}

static void begin(unsigned workers, int64_t watchdog_ms)
{
	metrics_setup((int)workers);
	vitals = vitals_open(workers);
	cr_assert_not_null(vitals);
	reporter_init(&reporter, vitals, hear, watchdog_ms, 1000);
}

static void end(void)
{
	vitals_close(vitals);
}

static void expect_turn(int64_t now_ms, const char *expected)
{
	heard[0] = '\0';
	reporter_turn(&reporter, now_ms);
	cr_expect_str_eq(heard, expected);
}

Test(reporter, says_ready_once_when_every_worker_is)
{
	begin(2, 0);
	expect_turn(1000, "STATUS=starting;");
	vitals_tell(vitals, 0, CONDITION_READY, 1100);
	expect_turn(1100, "");
	vitals_tell(vitals, 1, CONDITION_READY, 1200);
	expect_turn(1200, "STATUS=following;READY=1;");
	vitals_tell(vitals, 1, CONDITION_NO_REDIS, 1300);
	expect_turn(1300, "STATUS=waiting for Redis;");
	vitals_forget(vitals, 0);
	vitals_tell(vitals, 1, CONDITION_READY, 1400);
	expect_turn(1400, "STATUS=starting;");
	vitals_tell(vitals, 0, CONDITION_READY, 1500);
	expect_turn(1500, "STATUS=following;");
	end();
}

Test(reporter, says_ready_without_redis_after_the_limit)
{
	begin(1, 0);
	vitals_tell(vitals, 0, CONDITION_NO_STORE, 1000);
	expect_turn(1000 + READY_LIMIT_MS - 1, "STATUS=waiting for the database;");
	expect_turn(1000 + READY_LIMIT_MS, "READY=1;");
	end();
}

Test(reporter, never_says_ready_for_a_worker_that_has_not_begun)
{
	begin(1, 0);
	expect_turn(1000 + 2 * READY_LIMIT_MS, "STATUS=starting;");
	vitals_tell(vitals, 0, CONDITION_STOPPING, 1);
	expect_turn(1000 + 2 * READY_LIMIT_MS, "STATUS=stopping;");
	end();
}

Test(reporter, counts_the_channels_that_fail)
{
	begin(1, 0);
	vitals_tell(vitals, 0, CONDITION_READY, 1000);
	metric_set(reporter.open, 1);
	expect_turn(1000, "STATUS=following, 1 channel failing;READY=1;");
	metric_set(reporter.disabled, 2);
	expect_turn(1001, "STATUS=following, 3 channels failing;");
	vitals_tell(vitals, 0, CONDITION_STALE, 1002);
	expect_turn(1002, "STATUS=live streams lag behind Redis;");
	end();
}

Test(reporter, feeds_the_watchdog_four_times_per_limit)
{
	begin(1, 4000);
	expect_turn(1000, "STATUS=starting;WATCHDOG=1;");
	expect_turn(1999, "");
	expect_turn(2000, "WATCHDOG=1;");
	end();
}

Test(reporter, frames_a_reload_only_when_it_is_ready)
{
	begin(1, 0);
	heard[0] = '\0';
	reporter_reloading(&reporter, 7);
	reporter_reloaded(&reporter);
	cr_expect_str_eq(heard, "RELOADING=1\nMONOTONIC_USEC=7;");
	vitals_tell(vitals, 0, CONDITION_READY, 1000);
	expect_turn(1000, "STATUS=following;READY=1;");
	heard[0] = '\0';
	reporter_reloaded(&reporter);
	reporter_stopping(&reporter);
	cr_expect_str_eq(heard, "READY=1;STOPPING=1;");
	end();
}
