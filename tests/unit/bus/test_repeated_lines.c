/* SPDX-License-Identifier: Apache-2.0 */

/* Failures that come again and again are logged a few times a minute. One that lasts is logged all
 * the same, as soon as another line may be written. */
#include <criterion/criterion.h>
#include <errno.h>

#include "bus/batch.h"
#include "bus/commit.h"
#include "bus/group.h"
#include "core/clock.h"
#include "tests/support/recorded_log.h"

static void use_up(struct log_limit *limit)
{
	*limit = (struct log_limit){ .since_ms = clock_mono_ms(), .passed = LOG_LIMIT_LINES };
}

static void let_a_minute_pass(struct log_limit *limit)
{
	limit->since_ms -= 60000;
}

static void fail(struct batch_commit *commit)
{
	commit->is_with_ledger = true;
	cr_expect_gt(commit_answer(commit, -EBUSY), 0);
}

Test(repeated_lines, a_commit_that_goes_on_failing_is_logged_once_a_line_may_be_written)
{
	static struct batch batch;
	struct batch_commit commit = { .batch = &batch, .pause = { .first_ms = 1, .max_ms = 1 } };
	FILE *log = record_log();

	use_up(&commit.failure_lines);
	fail(&commit);
	fail(&commit);
	cr_expect_eq(count_lines(log, "cannot commit a batch"), 0);
	let_a_minute_pass(&commit.failure_lines);
	fail(&commit);
	fail(&commit);
	cr_expect_eq(count_lines(log, "cannot commit a batch"), 1);
}

Test(repeated_lines, a_group_that_stays_away_is_logged_once_a_line_may_be_written)
{
	struct consumer_group group = { .step.group = "group" };
	FILE *log = record_log();

	use_up(&group.loss_lines);
	group_report_loss(&group, true);
	group_report_loss(&group, false);
	cr_expect_eq(count_lines(log, "the consumer group is gone"), 0);
	let_a_minute_pass(&group.loss_lines);
	group_report_loss(&group, false);
	group_report_loss(&group, false);
	cr_expect_eq(count_lines(log, "the consumer group is gone"), 1);
	group_report_loss(&group, true);
	cr_expect_eq(count_lines(log, "the consumer group is gone"), 2);
}
