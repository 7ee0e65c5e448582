/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the endpoints about deliveries share, and the two plain ones: the list and the single view.
 * Another team's channel or delivery is a 404, whatever is asked of it; with the store away it is a 503.
 */
#include "channels/views.h"

struct api_call *api_call_new_for_delivery(const struct api *api, struct http_request *request,
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

void delivery_not_found(struct api_call *call)
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

void view_wake(struct channels *channels, const struct uuid *channel)
{
	deliveries_changed(channels->deliveries, channel);
	deliveries_note(channels->deliveries, channel);
}

/* ---- the list -------------------------------------------------------------------------------- */

struct list_view {
	struct api_call call;
	struct list_query query;
};

static int run_list(struct db *db, struct store_job *job)
{
	struct list_view *list = container_of(job, struct list_view, call.job);
	struct api_call *call = &list->call;
	int rc = view_find_channel(db, call);

	buf_reset(&call->json);
	if (rc < 0 || !call->found)
		return rc;
	return deliveries_list(db, &call->id, &list->query, &call->json);
}

void view_deliveries(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new_for_channel(owner, request, sizeof(struct list_view));
	struct list_view *list;
	struct reason why = { .text = "" };
	int rc;

	if (!call)
		return;
	list = container_of(call, struct list_view, call);
	call->job.run = run_list;
	call->job.on_done = api_call_on_shown;
	rc = list_query_parse(http_request_query(request), call->now_us, &list->query, &why);
	if (rc < 0)
		api_call_refuse_input(call, rc, &why);
	else
		api_call_submit(call, store_read_for_request);
}

/* ---- one delivery ---------------------------------------------------------------------------- */

static int run_show(struct db *db, struct store_job *job)
{
	struct api_call *call = container_of(job, struct api_call, job);

	buf_reset(&call->json);
	return delivery_show_whole(db, &call->who.team, &call->id, &call->json, &call->found);
}

static void on_shown(struct store_job *job, int rc)
{
	struct api_call *call = container_of(job, struct api_call, job);

	if (rc < 0)
		api_call_fail(call, rc);
	else if (!call->found)
		delivery_not_found(call);
	else
		api_call_answer(call, 200);
}

void view_delivery(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new_for_delivery(owner, request, sizeof(*call));

	if (!call)
		return;
	call->job.run = run_show;
	call->job.on_done = on_shown;
	api_call_submit(call, store_read_for_request);
}
