/* SPDX-License-Identifier: Apache-2.0 */

/* A message that is refused: by the vendor, by somebody else, or in unknown words. */
#include <stdio.h>
#include <string.h>

#include "tests/support/chat_channel.h"

static void reject(struct rig *rig)
{
	char text[256];

	add_slack(rig);
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'failed' AND attempts = 1");
	rig_ask_text(rig, text, sizeof(text), "SELECT last_error FROM deliveries");
	cr_expect(strstr(text, "user of the webhook"), "%s", text);
	rig_ask_text(rig, text, sizeof(text), "SELECT verdict FROM attempts");
	cr_expect_str_eq(text, "rejected");
	rig_now_us += 2 * SECOND_US;
	commit_pauses(rig, 1, START_MS + 1);
	rig_wait_rows(rig, 1, DELIVERED);
}

Test(refusals, gives_a_rejected_delivery_up_and_goes_on)
{
	static const struct reply replies[] = { { 400, "", "user_not_found" },
						{ 200, "", "ok" },
						{ .status = 0 } };

	with_replies(replies, reject);
}

/* A page of a proxy could cost the event, or the channel. */
static void sit_out_stranger(struct rig *rig)
{
	char text[256];

	add_slack(rig);
	commit_pauses(rig, 1, START_MS);
	for (int i = 1; i <= 3; i++) {
		char rows[80];

		snprintf(rows, sizeof(rows), PENDING " AND attempts = %d", i);
		rig_wait_rows(rig, 1, rows);
		rig_now_us += i == 1 ? 12 * SECOND_US : 3 * MINUTE_US;
	}
	rig_wait_rows(rig, 1, DELIVERED " AND attempts = 4");
	rig_ask_text(rig, text, sizeof(text), "SELECT detail FROM attempts WHERE number = 3");
	cr_expect(str_starts(str_of(text),
			     STR("destination answered 404 with a page that is not Slack's")),
		  "%s", text);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channel_state "
				  "WHERE disabled_at IS NOT NULL"),
		     0);
}

Test(refusals, neither_loses_nor_disables_anything_for_a_page_of_a_proxy)
{
	static const struct reply replies[] = { { 404, "", "<html>not here</html>" },
						{ 404, "", "<html>not here</html>" },
						{ 404, "", "<html>not here</html>" },
						{ 200, "", "ok" },
						{ .status = 0 } };

	with_replies(replies, sit_out_stranger);
}

static void retry_unknown(struct rig *rig)
{
	add_slack(rig);
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, 1, PENDING " AND attempts = 1");
	rig_now_us += 2 * SECOND_US;
	rig_wait_rows(rig, 1, PENDING " AND attempts = 2");
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED " AND attempts = 3");
	cr_expect(strstr(receiver_get(rig->receiver, 0)->body, "blocks"));
	cr_expect_null(strstr(receiver_get(rig->receiver, 1)->body, "blocks"));
	cr_expect_eq(count_attempts(rig, "reformed"), 1);
	cr_expect_eq(count_attempts(rig, "retry"), 1);
}

Test(refusals, sends_plain_once_and_then_waits_when_it_does_not_know_the_word)
{
	static const struct reply replies[] = { { 400, "", "some_new_word" },
						{ 400, "", "some_new_word" },
						{ 200, "", "ok" },
						{ .status = 0 } };

	with_replies(replies, retry_unknown);
}

/* Refused in both forms, with a word that is in Slack's documents, or is not. */
static void fall_apart(struct rig *rig)
{
	enum { COUNT = 40 };
	char text[256];

	add_slack(rig);
	commit_pauses(rig, COUNT, START_MS);
	rig_wait_rows(rig, 1, "attempts");
	rig_now_us += 2 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'failed' AND attempts = 2");
	rig_ask_text(rig, text, sizeof(text),
		     "SELECT last_error FROM deliveries WHERE state = 'failed'");
	cr_expect(strstr(text, "by themselves"), "%s", text);
	for (int i = 1; i <= COUNT; i++) {
		rig_now_us += 2 * SECOND_US;
		rig_wait_rows(rig, i, DELIVERED);
	}
	cr_expect_eq(receiver_count(rig->receiver), COUNT + 2);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries "
				  "WHERE event = 'notification.digest'"),
		     1, "they were folded again");
}

Test(refusals, takes_a_digest_apart_that_is_refused)
{
	static const struct reply known[] = { { 400, "", "invalid_blocks" },
					      { 400, "", "invalid_blocks" },
					      { 200, "", "ok" },
					      { .status = 0 } };
	static const struct reply unknown[] = { { 400, "", "some_new_word" },
						{ 400, "", "some_new_word" },
						{ 200, "", "ok" },
						{ .status = 0 } };

	with_replies(known, fall_apart);
	with_replies(unknown, fall_apart);
}
