/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Activity over time, from the counters that the ledger and the engine keep. An answer has a point
 * for every step of its range, even when nothing happened. The last point is the step that has only
 * begun. A request reads at most 744 rows of one team or channel.
 */
#include "views/activity.h"

#include <assert.h>
#include <errno.h>

#include "core/activity.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "views/call.h"

#define MAX_POINTS 168
#define MAX_SERIES 3
#define SECOND_US  INT64_C(1000000)

struct range {
	const char *name;
	int64_t stored_s; /* the step of the rows */
	int64_t point_s;
	unsigned points;
};

static const struct range ranges[] = {
	{ "1h", ACTIVITY_MINUTE_S, ACTIVITY_MINUTE_S, 60 },
	{ "24h", ACTIVITY_HOUR_S, ACTIVITY_HOUR_S, 24 },
	{ "7d", ACTIVITY_HOUR_S, ACTIVITY_HOUR_S, 168 },
	{ "30d", ACTIVITY_HOUR_S, 24 * ACTIVITY_HOUR_S, 30 },
};

struct activity_view {
	struct api_call call;
	const struct range *range;
	bool has_range;
	int64_t from_us;
	int64_t counts[MAX_SERIES][MAX_POINTS];
};

/* ---- the parameters -------------------------------------------------------------------------- */

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	struct activity_view *view = arg;
	int rc;

	if (!str_is(name, "range"))
		return 0;
	rc = parameter_once(&view->has_range, "range", why);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		if (str_is(value, ranges[i].name)) {
			view->range = &ranges[i];
			return 0;
		}
	}
	return reason_set(why, -EINVAL, "range", "range must be 1h, 24h, 7d or 30d");
}

/* Points are at whole steps, so that two answers have the same labels. */
static void set_start(struct activity_view *view)
{
	const struct range *range = view->range;

	view->from_us = activity_begin_us(view->call.now_us, range->point_s) -
			(int64_t)(range->points - 1) * range->point_s * SECOND_US;
}

/* ---- the rows -------------------------------------------------------------------------------- */

/* Both walk the primary key. */
static const struct db_query select_events = {
	.sql = "SELECT begins_at, events, failed FROM event_activity "
	       "WHERE team_id = $1 AND step_s = $2 AND begins_at >= $3 AND begins_at <= $4",
};
static const struct db_query select_results = {
	.sql = "SELECT begins_at, delivered, failed, retried FROM channel_activity "
	       "WHERE channel_id = $1 AND step_s = $2 AND begins_at >= $3 AND begins_at <= $4",
};

static int on_row(struct activity_view *view, const struct db_row *row, int series)
{
	int64_t since_us = row_time(row, 0) - view->from_us;
	int64_t point = since_us / (view->range->point_s * SECOND_US);

	assert(point >= 0 && point < (int64_t)view->range->points);
	for (int i = 0; i < series; i++)
		view->counts[i][point] += row_int(row, i + 1);
	return 0;
}

static int on_events(const struct db_row *row, void *arg)
{
	return on_row(arg, row, 2);
}

static int on_results(const struct db_row *row, void *arg)
{
	return on_row(arg, row, 3);
}

static int read_rows(struct db *db, struct activity_view *view, const struct db_query *query,
		     const struct uuid *subject, db_row_fn on_each)
{
	const struct db_value values[] = {
		db_uuid(subject),
		db_int(view->range->stored_s),
		db_time(view->from_us),
		db_time(view->call.now_us),
	};

	memset(view->counts, 0, sizeof(view->counts));
	return db_run_now(db, query, values, ARRAY_LEN(values), on_each, view, NULL);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void add_labels(const struct activity_view *view, struct buf *out)
{
	json_add_name(out, "labels");
	buf_add_char(out, '[');
	for (unsigned i = 0; i < view->range->points; i++) {
		char text[RFC3339_TEXT_SIZE];

		rfc3339_format(view->from_us + (int64_t)i * view->range->point_s * SECOND_US, 0,
			       text);
		buf_addf(out, "%s\"%s\"", i ? "," : "", text);
	}
	buf_add_char(out, ']');
}

static void add_series(const struct activity_view *view, struct buf *out, const char *name,
		       const int64_t *counts)
{
	json_add_name(out, name);
	buf_add_char(out, '[');
	for (unsigned i = 0; i < view->range->points; i++) {
		buf_add_text(out, i ? "," : "");
		buf_add_i64(out, counts[i]);
	}
	buf_add_char(out, ']');
}

static void write_answer(struct activity_view *view, const char *const *names, size_t count)
{
	struct buf *out = &view->call.json;

	buf_add_char(out, '{');
	json_add_member(out, "range", str_of(view->range->name));
	field_add_number(out, "step_s", view->range->point_s);
	add_labels(view, out);
	for (size_t i = 0; i < count; i++)
		add_series(view, out, names[i], view->counts[i]);
	buf_add_char(out, '}');
}

static int run_events(struct db *db, struct store_job *job)
{
	static const char *const names[] = { "events", "failed" };
	struct activity_view *view = container_of(job, struct activity_view, call.job);
	int rc;

	buf_reset(&view->call.json);
	rc = read_rows(db, view, &select_events, &view->call.who.team, on_events);
	if (rc == 0)
		write_answer(view, names, ARRAY_LEN(names));
	view->call.found = true;
	return rc;
}

static int run_channel(struct db *db, struct store_job *job)
{
	static const char *const names[] = { "delivered", "failed", "retried" };
	struct activity_view *view = container_of(job, struct activity_view, call.job);
	int rc = view_find_channel(db, &view->call);

	buf_reset(&view->call.json);
	if (rc < 0 || !view->call.found)
		return rc;
	rc = read_rows(db, view, &select_results, &view->call.id, on_results);
	if (rc == 0)
		write_answer(view, names, ARRAY_LEN(names));
	return rc;
}

/* ---- the requests ---------------------------------------------------------------------------- */

static void start(struct api_call *call, int (*run)(struct db *db, struct store_job *job))
{
	struct activity_view *view = container_of(call, struct activity_view, call);
	struct reason why = { .text = "" };
	int rc;

	view->range = &ranges[1];
	call->job.run = run;
	call->job.on_done = api_call_on_shown;
	rc = http_query_each(http_request_query(call->request), read_pair, view, &why);
	if (rc < 0) {
		api_call_refuse_input(call, rc, &why);
		return;
	}
	set_start(view);
	api_call_submit(call, store_read_for_request);
}

void view_channel_activity(struct http_request *request, void *owner)
{
	struct api_call *call =
		api_call_new_for_channel(owner, request, sizeof(struct activity_view));

	if (call)
		start(call, run_channel);
}

void view_event_activity(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new(owner, request, sizeof(struct activity_view));

	if (call)
		start(call, run_events);
}
