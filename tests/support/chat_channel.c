/* SPDX-License-Identifier: Apache-2.0 */

/* Opens a rig with one chat channel for each engine. */
#include "tests/support/chat_channel.h"

const char *const slack_fields[] = { "webhook_url", SLACK_URL, NULL };
void with_replies(const struct reply *replies, void (*steps)(struct rig *rig))
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct script script = { .replies = replies };
		const struct rig_options options = {
			.answer = script_answer, .arg = &script, .strict = true, .chat = true
		};
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		steps(&rig);
		rig_close(&rig);
	}
}

const struct reply ok[] = { { 200, "", "ok" }, { .status = 0 } };

void add_slack(struct rig *rig)
{
	rig_add_chat(rig, CHANNEL_1, "slack", slack_fields, "capsule.pause");
}

void commit_pauses(struct rig *rig, int count, int64_t ms)
{
	static struct event *events[1200];

	for (int i = 0; i < count; i++)
		events[i] = rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", ms + i);
	cr_assert_eq(rig_commit(rig, events, (size_t)count), 0);
}

int64_t count_attempts(struct rig *rig, const char *verdict)
{
	return rig_ask(rig, "SELECT count(*) FROM attempts WHERE verdict = '%s'", verdict);
}
