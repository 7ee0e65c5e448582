/* SPDX-License-Identifier: Apache-2.0 */

/*
 * GET /v1/channels: the team's channels, newest first, a page at a time. GET /v1/channels/{id}:
 * one of them.
 *
 * The list stays the bare array that clients know. If more channels follow, the `Link` header leads
 * to the next page (RFC 8288). All channels that a team may create here fit on one page, so only
 * teams with channels made elsewhere see the link.
 */
#include "channels/list.h"

#include <errno.h>
#include <stdio.h>

#include "api/api.h"
#include "channels/call.h"
#include "channels/rows.h"
#include "core/id.h"
#include "core/rfc3339.h"

struct list_call {
	struct api_call call;
	struct channel_page page;
};

/* ---- what is asked for --------------------------------------------------------------------- */

static int parse_id(struct str text, struct uuid *out)
{
	return id_parse(ID_CHANNEL, text, out);
}

static const struct paging_ids ids = { parse_id, "an id of the form ch-..." };

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	int rc = paging_read(arg, name, value, why);

	return rc == -ENOENT ? 0 : rc;
}

static int read_query(struct list_call *list, struct reason *why)
{
	struct paging *paging = &list->page.paging;
	int rc;

	paging_init(paging, PAGING_MAX_ROWS, &ids);
	rc = http_query_each(http_request_query(list->call.request), read_pair, paging, why);
	paging_finish(paging);
	return rc;
}

/* ---- the answer ---------------------------------------------------------------------------- */

static int run_list(struct db *db, struct store_job *job)
{
	struct list_call *list = container_of(job, struct list_call, call.job);

	buf_reset(&list->call.json);
	return channel_list(db, &list->call.who.team, &list->page, &list->call.json);
}

static void lead_on(const struct list_call *list)
{
	const struct channel_page *page = &list->page;
	char time[RFC3339_TEXT_SIZE];
	char id[ID_TEXT_SIZE];
	char link[200];

	/* Six digits, as in the rows: fewer would skip rows. */
	rfc3339_format(page->last_us, 6, time);
	id_format(ID_CHANNEL, &page->last_id, id);
	snprintf(link, sizeof(link), "</v1/channels?limit=%u&before=%s&before_id=%s>; rel=\"next\"",
		 page->paging.limit, time, id);
	http_respond_header(list->call.request, "Link", str_of(link));
}

static void on_listed(struct store_job *job, int rc)
{
	struct list_call *list = container_of(job, struct list_call, call.job);

	if (rc < 0) {
		api_call_fail(&list->call, rc);
		return;
	}
	if (list->page.has_more)
		lead_on(list);
	api_call_answer(&list->call, 200);
}

void list_channels(struct http_request *request, void *owner)
{
	struct reason why = { .text = "" };
	struct api_call *call = api_call_new(owner, request, sizeof(struct list_call));

	if (!call)
		return;
	if (read_query(container_of(call, struct list_call, call), &why) < 0) {
		api_call_refuse(call, HTTP_INVALID_REQUEST, &why);
		return;
	}
	call->job.run = run_list;
	call->job.on_done = on_listed;
	api_call_submit(call, store_read_for_request);
}

/* ---- one channel --------------------------------------------------------------------------- */

static int run_get(struct db *db, struct store_job *job)
{
	struct api_call *call = container_of(job, struct api_call, job);

	buf_reset(&call->json);
	return channel_get(db, &call->who.team, &call->id, &call->json, &call->found);
}

void get_channel(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new_for_channel(owner, request, sizeof(*call));

	if (!call)
		return;
	call->job.run = run_get;
	call->job.on_done = api_call_on_shown;
	api_call_submit(call, store_read_for_request);
}
