/* SPDX-License-Identifier: Apache-2.0 */

/* Living messages of Matrix: a homeserver takes an edit of a deleted message and shows nothing, so
 * each edit follows a lookup of the message. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/delivery/living_fixture.h"

static void follow(struct rig *rig)
{
	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	cr_expect_eq(chat.lookups, 0);
	happen(rig, "capsule.pause", "cl-1", 1000);
	settle(rig);
	happen(rig, "capsule.destroy", "cl-1", 2000);
	settle(rig);
	cr_expect_eq(chat.count, 1);
	cr_expect_eq(chat.edits, 2);
	cr_expect_eq(chat.lookups, 2);
	expect_message(1, "created \xe2\x86\x92 paused \xe2\x86\x92 destroyed");
	cr_expect_eq(count_attempts(rig, "delivered"), 3, "lookup and edit are one attempt");
}

Test(living_matrix, asks_for_the_message_before_each_edit)
{
	with_matrix(follow);
}

static void post_deleted(struct rig *rig)
{
	post_anew(rig, REFUSE_DELETED);
}

static void post_unknown(struct rig *rig)
{
	post_anew(rig, REFUSE_UNKNOWN);
}

Test(living_matrix, posts_anew_what_somebody_deleted)
{
	with_matrix(post_deleted);
}

Test(living_matrix, posts_anew_what_the_homeserver_does_not_know)
{
	with_matrix(post_unknown);
}

/* The lookup before the n-th capsule's first edit gets the answer. */
static void pause_when(struct rig *rig, unsigned n, enum refusal answer)
{
	char capsule[16];

	snprintf(capsule, sizeof(capsule), "cl-%u", n);
	happen(rig, "capsule.create", capsule, 10000 * (int64_t)n);
	settle(rig);
	chat.refusal = answer;
	chat.refusals = 1;
	happen(rig, "capsule.pause", capsule, 10000 * (int64_t)n + 1000);
	settle(rig);
	expect_message(chat.count, "paused");
}

static const struct {
	enum refusal answer;
	const char *verdict;
	int status;
	int64_t wait_s; /* at least */
} final_answers[] = {
	{ REFUSE_PACE, "wait", 429, 30 }, { REFUSE_TOKEN, "disabled", 401, 1 },
	{ REFUSE_BUSY, "retry", 500, 1 }, { REFUSE_MOVED, "retry", 302, 1 },
	{ REFUSE_PAGE, "retry", 200, 1 }, { REFUSE_BROKEN, "retry", 0, 1 },
};

static void end_with_lookup(struct rig *rig)
{
	for (unsigned i = 0; i < ARRAY_LEN(final_answers); i++) {
		int64_t begun_us = rig_now_us;

		pause_when(rig, i + 1, final_answers[i].answer);
		cr_expect_geq(rig_now_us - begun_us, final_answers[i].wait_s * SECOND_US, "%u", i);
		cr_expect_eq(chat.count, i + 1, "%u", i);
		cr_expect_eq(chat.edits, i + 1, "%u", i);
		cr_expect_eq(chat.lookups, 2 * (i + 1), "%u", i);
		cr_expect_eq(rig_ask(rig,
				     "SELECT count(*) FROM attempts WHERE verdict = '%s' AND "
				     "COALESCE(status, 0) = %d",
				     final_answers[i].verdict, final_answers[i].status),
			     1, "%u", i);
	}
}

Test(living_matrix, sends_no_edit_when_the_lookup_is_refused)
{
	with_matrix(end_with_lookup);
}

/* A homeserver that does not support the lookup, and a message that is too long to read. */
static void edit_all_the_same(struct rig *rig)
{
	pause_when(rig, 1, REFUSE_WORDS);
	pause_when(rig, 2, REFUSE_LONG);
	cr_expect_eq(chat.count, 2);
	cr_expect_eq(chat.edits, 2);
	cr_expect_eq(chat.lookups, 2);
	cr_expect_eq(count_attempts(rig, "delivered"), 4);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM attempts"), 4);
}

Test(living_matrix, edits_when_the_lookup_is_not_supported_or_its_answer_is_long)
{
	with_matrix(edit_all_the_same);
}
