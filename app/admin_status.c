/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The state of the whole service, whichever worker answers: Redis says how far the group is, the
 * store says who holds which lease and how much waits. Only the lag of the loop is that of the
 * worker that answers. Happy path: a request to Redis, then one read job. Failure: without Redis
 * the answer has no `stream`; without the store it is 503.
 */
#include "app/admin_status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/admin_sources.h"
#include "core/json.h"
#include "core/version.h"

/* Beyond these a count is a lower bound, so that a large backlog does not make the answer slow. */
#define MAX_PENDING 100000
#define MAX_WORKERS 256

struct status_call {
	struct api_call call;
	struct bus_group_query query;
	struct bus_group_state group;
	struct buf workers;
	unsigned worker_count;
	struct buf ledger; /* the members of its lease */
	int64_t pending;
	int64_t oldest_us;
	int64_t disabled;
	int64_t failing;
	int64_t size;
	bool is_embedded;
};

static const struct admin *admin_of(const struct status_call *status)
{
	return status->call.api.owner;
}

/* ---- the store job ------------------------------------------------------------------------- */

static const struct db_query select_ledger = {
	.sql = "SELECT owner, expires_at FROM ledger_leases WHERE group_name = $1",
};
/* The lease under the zero id is that of housekeeping. */
static const struct db_query select_workers = {
	.sql = "SELECT lease_owner, count(*) FROM channel_state WHERE lease_owner IS NOT NULL "
	       "AND lease_until > $1 AND channel_id <> $2 "
	       "GROUP BY lease_owner ORDER BY lease_owner LIMIT 256",
};
static const struct db_query select_backlog = {
	.sql = "SELECT count(*), min(created_at) FROM (SELECT created_at FROM deliveries "
	       "WHERE state = 'pending' LIMIT 100001) AS waiting",
};
static const struct db_query select_channels = {
	.sql = "SELECT (SELECT count(*) FROM channel_state WHERE disabled_at IS NOT NULL), "
	       "(SELECT count(*) FROM channel_state WHERE disabled_at IS NULL "
	       "AND breaker_until > $1)",
};
static const struct db_query select_size = {
	.sql = "SELECT pg_database_size(current_database())",
	.sqlite = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
};

static int on_ledger(const struct db_row *row, void *arg)
{
	struct status_call *status = arg;

	json_add_member(&status->ledger, "worker", row_text(row, 0));
	field_add_time(&status->ledger, "until", row_time(row, 1));
	return status->ledger.err;
}

static void add_worker(struct status_call *status, struct str worker, int64_t channels)
{
	buf_add_text(&status->workers, status->worker_count++ ? ",{" : "{");
	json_add_member(&status->workers, "name", worker);
	field_add_number(&status->workers, "channels", channels);
	buf_add_char(&status->workers, '}');
}

static int on_worker(const struct db_row *row, void *arg)
{
	struct status_call *status = arg;

	add_worker(status, row_text(row, 0), row_int(row, 1));
	return status->workers.err;
}

static int on_backlog(const struct db_row *row, void *arg)
{
	struct status_call *status = arg;

	status->pending = row_int(row, 0);
	status->oldest_us = row_time(row, 1);
	return 0;
}

static int on_channels(const struct db_row *row, void *arg)
{
	struct status_call *status = arg;

	status->disabled = row_int(row, 0);
	status->failing = row_int(row, 1);
	return 0;
}

static int on_size(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static int run_status(struct db *db, struct store_job *job)
{
	struct status_call *status = container_of(job, struct status_call, call.job);
	const struct uuid zero = { .bytes = { 0 } };
	const struct db_value group = db_text(str_of(admin_of(status)->group));
	const struct db_value now[] = { db_time(status->call.now_us), db_uuid(&zero) };
	int rc;

	buf_reset(&status->workers);
	buf_reset(&status->ledger);
	buf_add_char(&status->ledger, '{');
	status->worker_count = 0;
	status->is_embedded = db_is_embedded(db);
	rc = db_run(db, &select_ledger, &group, 1, on_ledger, status, NULL);
	if (rc == 0)
		rc = db_run(db, &select_workers, now, 2, on_worker, status, NULL);
	if (rc == 0)
		rc = db_run(db, &select_backlog, NULL, 0, on_backlog, status, NULL);
	if (rc == 0)
		rc = db_run(db, &select_channels, now, 1, on_channels, status, NULL);
	if (rc == 0)
		rc = db_run(db, &select_size, NULL, 0, on_size, &status->size, NULL);
	return rc < 0 ? rc : db_flush(db);
}

/* ---- the answer ---------------------------------------------------------------------------- */

static void add_stream(struct buf *out, const struct bus_group_state *group)
{
	if (!group->is_known)
		return;
	json_add_name(out, "stream");
	buf_add_char(out, '{');
	if (group->has_lag)
		field_add_number(out, "lag", (int64_t)group->lag);
	field_add_number(out, "unacknowledged", (int64_t)group->pending);
	buf_add_char(out, '}');
}

static void add_deliveries(struct buf *out, const struct status_call *status)
{
	bool is_more = status->pending > MAX_PENDING;

	json_add_name(out, "deliveries");
	buf_add_char(out, '{');
	field_add_number(out, "pending", is_more ? MAX_PENDING : status->pending);
	json_add_name(out, "is_more");
	buf_add_text(out, is_more ? "true" : "false");
	field_add_time(out, "oldest_at", status->oldest_us);
	buf_add_char(out, '}');
	json_add_name(out, "channels");
	buf_add_char(out, '{');
	field_add_number(out, "disabled", status->disabled);
	field_add_number(out, "paused", status->failing);
	buf_add_char(out, '}');
}

static void add_store(struct buf *out, const struct status_call *status)
{
	const struct store *store = status->call.api.store;
	const char *trouble = store_trouble(store);

	json_add_name(out, "store");
	buf_add_char(out, '{');
	json_add_member(out, "engine", status->is_embedded ? STR("sqlite") : STR("postgres"));
	field_add_number(out, "size_bytes", status->size);
	if (trouble)
		json_add_member(out, "trouble", str_of(trouble));
	buf_add_char(out, '}');
}

/* A worker without channels holds no lease, so only the shared memory of its service lists it. */
static void add_idle_workers(struct status_call *status)
{
	const struct vitals *vitals = admin_of(status)->vitals;
	char worker[WORKER_NAME_SIZE];

	for (unsigned i = 0; i < vitals_count(vitals); i++) {
		struct str listed = buf_str(&status->workers);

		if (vitals_get_name(vitals, i, worker) &&
		    !memmem(listed.at, listed.len, worker, strlen(worker)))
			add_worker(status, str_of(worker), 0);
	}
}

static void write_answer(struct status_call *status)
{
	struct buf *out = &status->call.json;

	buf_add_char(out, '{');
	json_add_member(out, "version", STR(WRENN_EVENTS_VERSION));
	json_add_member(out, "answered_by", str_of(admin_of(status)->worker));
	json_add_name(out, "workers");
	buf_addf(out, "[%.*s]", STR_ARGS(buf_str(&status->workers)));
	if (status->ledger.len > 1) {
		json_add_name(out, "ledger");
		buf_addf(out, "%.*s}", STR_ARGS(buf_str(&status->ledger)));
	}
	add_stream(out, &status->group);
	add_deliveries(out, status);
	add_store(out, status);
	field_add_number(out, "loop_lag_ms", loop_lag_worst_ms(admin_of(status)->lag));
	buf_add_char(out, '}');
}

static void on_read(struct store_job *job, int rc)
{
	struct status_call *status = container_of(job, struct status_call, call.job);

	if (rc < 0) {
		api_call_fail(&status->call, rc);
		return;
	}
	add_idle_workers(status);
	write_answer(status);
	api_call_answer(&status->call, 200);
}

/* ---- the request --------------------------------------------------------------------------- */

static void end_status(struct api_call *call)
{
	struct status_call *status = container_of(call, struct status_call, call);

	buf_done(&status->workers);
	buf_done(&status->ledger);
}

static void on_group(const struct bus_group_state *group, void *owner)
{
	struct status_call *status = owner;

	status->group = *group;
	api_call_submit(&status->call, store_read_for_request);
}

void admin_show_status(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new(owner, request, sizeof(struct status_call));
	struct status_call *status;

	if (!call)
		return;
	status = container_of(call, struct status_call, call);
	buf_init(&status->workers, (size_t)MAX_WORKERS * 1024);
	buf_init(&status->ledger, 4096);
	call->done = end_status;
	call->job.run = run_status;
	call->job.on_done = on_read;
	status->query = (struct bus_group_query){ admin_of(status)->group, on_group, status };
	if (bus_group_ask(admin_of(status)->redis, &status->query) < 0)
		on_group(&(struct bus_group_state){ .is_known = false }, status);
}
