/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the endpoints about deliveries share, and the two plain ones: the list and the single view.
 * Another team's channel or delivery is a 404, whatever is asked of it; with the store away it is a 503.
 */
#include "channels/views.h"

#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

#define MAX_TEXT 1024

struct errand *errand_new_of_delivery(struct channels *channels, struct http_request *request,
				      size_t size)
{
	struct errand *errand;
	struct uuid id;

	if (uuid_parse(http_request_param(request, 0), &id) < 0) {
		http_respond_fault(request, HTTP_INVALID_REQUEST, NULL,
				   "the delivery id must be a UUID, as in X-Wrenn-Delivery");
		return NULL;
	}
	errand = errand_new(channels, request, size);
	if (errand)
		errand->id = id;
	return errand;
}

void errand_no_delivery(struct errand *errand)
{
	errand_refuse_text(errand, HTTP_NOT_FOUND, NULL, "there is no such delivery");
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

int view_find_channel(struct db *db, struct errand *errand)
{
	const struct db_value values[] = { db_uuid(&errand->id), db_uuid(&errand->who.team) };

	errand->found = false;
	return db_run_now(db, &find_channel, values, ARRAY_LEN(values), on_channel, &errand->found,
			  NULL);
}

void view_wake(struct channels *channels, const struct uuid *channel)
{
	if (!channels->engine)
		return;
	engine_changed(channels->engine, channel);
	engine_note(channels->engine, channel);
	engine_serve(channels->engine);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

void view_add_time(struct buf *out, const char *name, int64_t us)
{
	char text[RFC3339_TEXT_SIZE];

	if (us == 0)
		return;
	rfc3339_format(us, 0, text);
	json_add_member(out, name, str_of(text));
}

void view_add_number(struct buf *out, const char *name, int64_t number)
{
	json_add_name(out, name);
	buf_add_i64(out, number);
}

void view_add_uuid(struct buf *out, const char *name, const struct uuid *id)
{
	char text[UUID_TEXT_SIZE];

	uuid_format(id, text);
	json_add_member(out, name, str_of(text));
}

void view_add_text(struct buf *out, const char *name, struct str text)
{
	if (text.len)
		json_add_member(out, name, utf8_cut(text, MAX_TEXT));
}

/* ---- the list -------------------------------------------------------------------------------- */

struct list_view {
	struct errand errand;
	struct list_query query;
};

static int run_list(struct db *db, struct store_job *job)
{
	struct list_view *list = container_of(job, struct list_view, errand.job);
	struct errand *errand = &list->errand;
	int rc = view_find_channel(db, errand);

	buf_reset(&errand->json);
	if (rc < 0 || !errand->found)
		return rc;
	return deliveries_list(db, &errand->id, &list->query, &errand->json);
}

void view_deliveries(struct http_request *request, void *owner)
{
	struct errand *errand = errand_new_of_channel(owner, request, sizeof(struct list_view));
	struct list_view *list;
	struct reason why = { .text = "" };
	int rc;

	if (!errand)
		return;
	list = container_of(errand, struct list_view, errand);
	errand->job.run = run_list;
	errand->job.on_done = errand_on_shown;
	rc = list_query_parse(http_request_query(request), errand->now_us, &list->query, &why);
	if (rc < 0)
		errand_refuse_draft(errand, rc, &why);
	else
		errand_submit(errand, store_read_for_request);
}

/* ---- one delivery ---------------------------------------------------------------------------- */

static int run_show(struct db *db, struct store_job *job)
{
	struct errand *errand = container_of(job, struct errand, job);

	buf_reset(&errand->json);
	return delivery_show_whole(db, &errand->who.team, &errand->id, &errand->json,
				   &errand->found);
}

static void on_shown(struct store_job *job, int rc)
{
	struct errand *errand = container_of(job, struct errand, job);

	if (rc < 0)
		errand_fail(errand, rc);
	else if (!errand->found)
		errand_no_delivery(errand);
	else
		errand_answer(errand, 200);
}

void view_delivery(struct http_request *request, void *owner)
{
	struct errand *errand = errand_new_of_delivery(owner, request, sizeof(*errand));

	if (!errand)
		return;
	errand->job.run = run_show;
	errand->job.on_done = on_shown;
	errand_submit(errand, store_read_for_request);
}
