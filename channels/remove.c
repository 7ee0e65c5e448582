/* SPDX-License-Identifier: Apache-2.0 */

/*
 * DELETE /v1/channels/{id} (contract c). One store job removes the channel and drops its backlog.
 * It drops the oldest part of a large backlog, and the engine the rest.
 */
#include "channels/remove.h"

#include "channels/call.h"
#include "channels/rows.h"

static int run_delete(struct db *db, struct store_job *job)
{
	struct api_call *call = container_of(job, struct api_call, job);
	const struct change change = {
		.who = &call->who,
		.audit_mode = channels_of(call)->audit_mode,
		.now_us = call->now_us,
	};

	return channel_delete(db, &call->id, &change, &call->found);
}

static void forget_channel(const struct channels *channels, const struct api_call *call)
{
	paces_forget(channels->route->paces, &call->who.team, &call->id);
	deliveries_removed(channels->deliveries, &call->id);
	/* the engine drops the rest of the backlog */
	deliveries_changed(channels->deliveries, &call->id);
	deliveries_note(channels->deliveries, &call->id);
}

static void on_removed(struct store_job *job, int rc)
{
	struct api_call *call = container_of(job, struct api_call, job);

	if (rc < 0) {
		api_call_fail(call, rc);
		return;
	}
	if (call->found)
		forget_channel(channels_of(call), call);
	http_respond(call->request, 204, NULL, STR(""));
	api_call_free(call);
}

void delete_channel(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new_for_channel(owner, request, sizeof(*call));

	if (!call)
		return;
	call->job.run = run_delete;
	call->job.on_done = on_removed;
	submit_change(call);
}
