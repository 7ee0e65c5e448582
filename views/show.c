/* SPDX-License-Identifier: Apache-2.0 */

/* The list of a channel's deliveries, and one delivery with its attempts (contract o.13). */
#include "views/show.h"

#include "views/call.h"
#include "views/deliveries.h"
#include "views/list_query.h"

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
		view_no_delivery(call);
	else
		api_call_answer(call, 200);
}

void view_delivery(struct http_request *request, void *owner)
{
	struct api_call *call = view_call_for_delivery(owner, request, sizeof(*call));

	if (!call)
		return;
	call->job.run = run_show;
	call->job.on_done = on_shown;
	api_call_submit(call, store_read_for_request);
}
