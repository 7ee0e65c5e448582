/* SPDX-License-Identifier: Apache-2.0 */

/* Living messages of Matrix: a homeserver takes an edit of a deleted message and shows nothing, so
 * each edit follows the question whether the message is there. */
#include <string.h>

#include "tests/unit/delivery/living_fixture.h"

static void follow(struct rig *rig)
{
	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	cr_expect_eq(chat.questions, 0);
	happen(rig, "capsule.pause", "cl-1", 1000);
	settle(rig);
	happen(rig, "capsule.destroy", "cl-1", 2000);
	settle(rig);
	cr_expect_eq(chat.count, 1);
	cr_expect_eq(chat.edits, 2);
	cr_expect_eq(chat.questions, 2);
	expect_message(1, "created \xe2\x86\x92 paused \xe2\x86\x92 destroyed");
	cr_expect_eq(count_attempts(rig, "delivered"), 3, "question and edit are one attempt");
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

static void edit_unasked(struct rig *rig)
{
	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	chat.refusal = REFUSE_BUSY;
	chat.refusals = 1;
	happen(rig, "capsule.pause", "cl-1", 1000);
	settle(rig);
	cr_expect_eq(chat.count, 1);
	expect_message(1, "paused");
	cr_expect_eq(count_attempts(rig, "retry"), 0);
}

Test(living_matrix, edits_when_the_question_has_no_useful_answer)
{
	with_matrix(edit_unasked);
}
