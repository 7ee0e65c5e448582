/* SPDX-License-Identifier: Apache-2.0 */

/* Goes along the held rows in stream order. */
#include "channels/release.h"

#include "channels/call.h"

static int run_release(struct db *db, struct store_job *job)
{
	struct option_call *change = container_of(job, struct option_call, call.job);
	struct backlog_piece *held = &change->held;

	held->rows = 0;
	held->last_ms = held->from_ms;
	held->last_seq = held->from_seq;
	return transition_release_held(db, &change->call.id, held, change->call.now_us);
}

static void on_released(struct store_job *job, int rc)
{
	struct option_call *change = container_of(job, struct option_call, call.job);
	struct api_call *call = &change->call;

	if (rc < 0) {
		api_call_fail(call, rc);
		return;
	}
	deliveries_changed(channels_of(call)->deliveries, &call->id);
	if (change->held.rows > 0)
		deliveries_note(channels_of(call)->deliveries, &call->id);
	if (!change->held.has_more) {
		change->answer(change);
		return;
	}
	change->held.from_ms = change->held.last_ms;
	change->held.from_seq = change->held.last_seq;
	api_call_submit(call, store_write);
}

void release_held(struct option_call *change, void (*answer)(struct option_call *change))
{
	struct api_call *call = &change->call;

	deliveries_changed(channels_of(call)->deliveries, &call->id);
	change->answer = answer;
	call->job = (struct store_job){ .run = run_release, .on_done = on_released };
	api_call_submit(call, store_write);
}
