/* SPDX-License-Identifier: Apache-2.0 */

/* Another team's channel or delivery is a 404 at every endpoint. */
#include "views/call.h"

struct api_call *view_call_for_delivery(const struct api *api, struct http_request *request,
					size_t size)
{
	struct api_call *call;
	struct uuid id;

	if (uuid_parse(http_request_param(request, 0), &id) < 0) {
		http_respond_fault(request, HTTP_INVALID_REQUEST, NULL,
				   "the delivery id must be a UUID, as in X-Wrenn-Delivery");
		return NULL;
	}
	call = api_call_new(api, request, size);
	if (call)
		call->id = id;
	return call;
}

void view_no_delivery(struct api_call *call)
{
	api_call_refuse_text(call, HTTP_NOT_FOUND, NULL, "there is no such delivery");
}

static const struct db_query find_channel = {
	.sql = "SELECT id FROM channels WHERE id = $1 AND team_id = $2",
};

static int on_channel(const struct db_row *row, void *arg)
{
	(void)row;
	*(bool *)arg = true;
	return 0;
}

int view_find_channel(struct db *db, struct api_call *call)
{
	const struct db_value values[] = { db_uuid(&call->id), db_uuid(&call->who.team) };

	call->found = false;
	return db_run_now(db, &find_channel, values, ARRAY_LEN(values), on_channel, &call->found,
			  NULL);
}

void view_wake(const struct views *views, const struct uuid *channel)
{
	deliveries_changed(views->deliveries, channel);
	deliveries_note(views->deliveries, channel);
}
