/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Snapshots that were asked for and have no outcome yet. The control plane writes a row of the
 * trail when somebody asks; the ledger notes each outcome. An outcome belongs to the latest earlier
 * request of its name. So the pairs also show how long snapshots of this team usually take.
 *
 * A request reads at most 500 rows of each, the newest of the last 31 days.
 */
#include "views/snapshots.h"

#include <stdlib.h>

#include "core/activity.h"
#include "core/json.h"
#include "core/utf8.h"
#include "views/call.h"

#define MAX_ROWS  500
#define MAX_NAME  1024
#define MAX_TEXT  ((size_t)2 * MAX_ROWS * (MAX_NAME + 1))
#define SECOND_US INT64_C(1000000)
#define FORGET_US (3600 * SECOND_US) /* a control plane that died sends no outcome */

struct asked {
	size_t name; /* where it begins in `names` */
	int64_t at_us;
	int64_t ended_us; /* 0: not yet */
	bool is_success;
};

struct pending_view {
	struct api_call call;
	struct buf names;             /* each with its NUL */
	struct asked asked[MAX_ROWS]; /* newest first */
	size_t asked_count;
	int64_t took_us[MAX_ROWS]; /* how long each successful one took */
	size_t took_count;
};

/* ---- the rows -------------------------------------------------------------------------------- */

/* Walks the index (team_id, resource_type, created_at). Rows that are no requests cost time. */
static const struct db_query select_asked = {
	.sql = "SELECT id, resource_id, created_at FROM (SELECT id, resource_id, created_at, "
	       "action, status, actor_type, scope FROM audit_logs WHERE team_id = $1 "
	       "AND resource_type = 'snapshot' AND created_at > $2 "
	       "ORDER BY created_at DESC LIMIT 5000) AS newest WHERE action = 'create' "
	       "AND status = 'success' AND actor_type IN ('user', 'api_key') AND scope = 'team' "
	       "ORDER BY created_at DESC LIMIT 500",
};
/* Walks the primary key. */
static const struct db_query select_outcomes = {
	.sql = "SELECT name, ended_at, is_success FROM snapshot_outcomes "
	       "WHERE team_id = $1 AND ended_at > $2 ORDER BY ended_at DESC LIMIT 500",
};
_Static_assert(MAX_ROWS == 500, "the LIMIT of both");

/* Our own rows record the end, not the request. Their ids have these versions. */
static bool is_our_row(const struct uuid *id)
{
	return id->bytes[6] >> 4 == 8 || id->bytes[6] >> 4 == 5;
}

static int on_asked(const struct db_row *row, void *arg)
{
	struct pending_view *view = arg;
	struct uuid id = row_uuid(row, 0);
	struct str name = utf8_cut(row_text(row, 1), MAX_NAME);

	if (is_our_row(&id) || name.len == 0)
		return 0;
	view->asked[view->asked_count++] =
		(struct asked){ .name = view->names.len, .at_us = row_time(row, 2) };
	buf_add_str(&view->names, name);
	buf_add_char(&view->names, '\0');
	return view->names.err;
}

static const char *name_of(const struct pending_view *view, const struct asked *asked)
{
	return view->names.bytes + asked->name;
}

/* Rows come newest first, so the first request that is not later than the outcome is its own, and a
 * request keeps its earliest outcome. Earlier requests of the name are over, too: if they had an
 * outcome, it follows. */
static int on_outcome(const struct db_row *row, void *arg)
{
	struct pending_view *view = arg;
	struct str name = row_text(row, 0);
	int64_t ended_us = row_time(row, 1);
	bool is_own = true;

	for (size_t i = 0; i < view->asked_count; i++) {
		struct asked *asked = &view->asked[i];

		if (asked->at_us > ended_us || !str_is(name, name_of(view, asked)))
			continue;
		asked->ended_us = ended_us;
		asked->is_success = is_own && row_bool(row, 2);
		is_own = false;
	}
	return 0;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static int compare_spans(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a;
	int64_t right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static void sort_spans(struct pending_view *view)
{
	view->took_count = 0;
	for (size_t i = 0; i < view->asked_count; i++) {
		const struct asked *asked = &view->asked[i];

		if (asked->is_success)
			view->took_us[view->took_count++] = asked->ended_us - asked->at_us;
	}
	qsort(view->took_us, view->took_count, sizeof(view->took_us[0]), compare_spans);
}

/* In whole seconds, rounded up, so that no duration is zero. */
static int64_t seconds_of(int64_t us)
{
	return (us + SECOND_US - 1) / SECOND_US;
}

/* The smallest value that `percent` percent of all do not exceed; 0 when there are none. */
static int64_t percentile_s(const struct pending_view *view, size_t percent)
{
	size_t place = (view->took_count * percent + 99) / 100;

	return place ? seconds_of(view->took_us[place - 1]) : 0;
}

static bool is_pending(const struct pending_view *view, const struct asked *asked)
{
	return !asked->ended_us && view->call.now_us - asked->at_us < FORGET_US;
}

static void add_item(const struct pending_view *view, struct buf *out, const struct asked *asked)
{
	int64_t elapsed_us = view->call.now_us - asked->at_us;
	int64_t elapsed_s = elapsed_us > 0 ? elapsed_us / SECOND_US : 0;
	int64_t usual_s = percentile_s(view, 90);

	buf_add_char(out, '{');
	json_add_member(out, "name", str_of(name_of(view, asked)));
	field_add_time(out, "requested_at", asked->at_us);
	field_add_number(out, "elapsed_s", elapsed_s);
	json_add_name(out, "overdue");
	buf_add_text(out, usual_s && elapsed_s > usual_s ? "true" : "false");
	buf_add_char(out, '}');
}

static void write_answer(struct pending_view *view)
{
	struct buf *out = &view->call.json;
	bool is_first = true;

	sort_spans(view);
	buf_add_text(out, "{\"items\":[");
	for (size_t i = 0; i < view->asked_count; i++) {
		if (!is_pending(view, &view->asked[i]))
			continue;
		buf_add_text(out, is_first ? "" : ",");
		add_item(view, out, &view->asked[i]);
		is_first = false;
	}
	buf_add_char(out, ']');
	if (view->took_count) {
		json_add_name(out, "usual");
		buf_add_char(out, '{');
		field_add_number(out, "count", (int64_t)view->took_count);
		field_add_number(out, "median_s", percentile_s(view, 50));
		field_add_number(out, "p90_s", percentile_s(view, 90));
		buf_add_char(out, '}');
	}
	buf_add_char(out, '}');
}

static int run_pending(struct db *db, struct store_job *job)
{
	struct pending_view *view = container_of(job, struct pending_view, call.job);
	const struct db_value values[] = {
		db_uuid(&view->call.who.team),
		db_time(view->call.now_us - ACTIVITY_KEEP_HOURS * SECOND_US),
	};
	int rc;

	buf_reset(&view->call.json);
	buf_reset(&view->names);
	view->asked_count = 0;
	view->call.found = true;
	rc = db_run_now(db, &select_asked, values, 2, on_asked, view, NULL);
	if (rc == 0)
		rc = db_run_now(db, &select_outcomes, values, 2, on_outcome, view, NULL);
	if (rc == 0)
		write_answer(view);
	return rc;
}

/* ---- the request ----------------------------------------------------------------------------- */

static void end_view(struct api_call *call)
{
	buf_done(&container_of(call, struct pending_view, call)->names);
}

void view_pending_snapshots(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new(owner, request, sizeof(struct pending_view));

	if (!call)
		return;
	buf_init(&container_of(call, struct pending_view, call)->names, MAX_TEXT);
	call->done = end_view;
	call->job.run = run_pending;
	call->job.on_done = api_call_on_shown;
	api_call_submit(call, store_read_for_request);
}
