/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Looks in the store for channels with something due: what no ledger of this process made, what a
 * worker left behind that is gone, and what waited for its next try. A channel that is disabled or
 * whose breaker is open is passed over, but not one that is gone: what waits for it is to be dropped,
 * whenever it would have been due. Failure: the next tick looks again.
 */
#include <errno.h>

#include "channels/queue.h"
#include "core/attributes.h"
#include "core/errno_text.h"
#include "core/log.h"

/* Jumps from channel to channel along the index of pending rows, so that a channel with a hundred
 * thousand of them costs no more than one with a single row. A breaker's end that no breaker of
 * today could have ($5) is from before the clock was set back. */
static const struct db_query find_due = {
	.sql = "WITH RECURSIVE waiting (id) AS ("
	       "SELECT head.channel_id FROM (SELECT d.channel_id FROM deliveries d "
	       "WHERE d.state = 'pending' AND d.channel_id > $1 ORDER BY d.channel_id LIMIT 1) "
	       "AS head UNION ALL "
	       "SELECT (SELECT d.channel_id FROM deliveries d WHERE d.state = 'pending' "
	       "AND d.channel_id > waiting.id ORDER BY d.channel_id LIMIT 1) "
	       "FROM waiting WHERE waiting.id IS NOT NULL) "
	       "SELECT waiting.id FROM waiting "
	       "LEFT JOIN channel_state s ON s.channel_id = waiting.id "
	       "WHERE waiting.id IS NOT NULL "
	       "AND (s.lease_owner IS NULL OR s.lease_owner = $3 OR s.lease_until < $4 "
	       "OR s.lease_until > $6) "
	       "AND ((s.disabled_at IS NULL "
	       "AND (s.breaker_until IS NULL OR s.breaker_until <= $2 OR s.breaker_until > $5) "
	       "AND EXISTS (SELECT 1 FROM deliveries d WHERE d.channel_id = waiting.id "
	       "AND d.state = 'pending' AND d.next_attempt_at <= $2)) "
	       "OR NOT EXISTS (SELECT 1 FROM channels c JOIN teams t ON t.id = c.team_id "
	       "WHERE c.id = waiting.id AND t.deleted_at IS NULL)) "
	       "ORDER BY waiting.id LIMIT 256",
};
_Static_assert(LEASE_BATCH == 256, "the LIMIT of find_due");

static int on_found(const struct db_row *row, void *arg)
{
	struct scan *scan = arg;

	if (scan->count < LEASE_BATCH)
		scan->found[scan->count++] = row_uuid(row, 0);
	return 0;
}

static int run_scan(struct db *db, struct store_job *job)
{
	struct scan *scan = container_of(job, struct scan, job);
	const struct db_value values[] = {
		db_uuid(&scan->after),
		db_time(scan->now_us),
		db_text(str_of(scan->worker)),
		db_time(scan->takeover.ended_us),
		db_time(scan->now_us + STANDING_LONGEST_US),
		db_time(scan->takeover.absurd_us),
	};

	scan->count = 0;
	return db_run_now(db, &find_due, values, ARRAY_LEN(values), on_found, scan, NULL);
}

/* One at rest was enabled or given other settings through another worker, or its time is up. */
static void take_up(struct engine *engine, const struct uuid *channel)
{
	struct queue *queue = engine_find(engine, channel);

	if (queue && queue->phase == QUEUE_RESTING)
		engine_changed(engine, channel);
	else
		engine_note(engine, channel);
}

/* How many of those found have their place, up to the first that has none. */
static size_t take_up_all(struct engine *engine, const struct scan *scan)
{
	size_t placed = scan->count;

	for (size_t i = 0; i < scan->count; i++) {
		take_up(engine, &scan->found[i]);
		if (placed == scan->count && !engine_find(engine, &scan->found[i]))
			placed = i;
	}
	return placed;
}

/* A full page is not the end: it goes on behind it, so that nobody is left out; and with the first that
 * found no place, or those before it would take every place that becomes free. */
static void turn_page(struct scan *scan, size_t placed)
{
	if (placed == scan->count && scan->count < LEASE_BATCH)
		scan->after = (struct uuid){ .bytes = { 0 } };
	else if (placed > 0)
		scan->after = scan->found[placed - 1];
}

static void on_scan_done(struct store_job *job, int rc)
{
	struct scan *scan = container_of(job, struct scan, job);
	struct engine *engine = container_of(scan, struct engine, scan);

	scan->is_running = false;
	engine->jobs--;
	if (rc < 0 && rc != -ENOTCONN && rc != -ECANCELED && rc != -EBUSY)
		log_error("could not look for pending deliveries",
			  log_str("error", errno_text(rc)));
	if (rc == 0)
		turn_page(scan, take_up_all(engine, scan));
	engine_serve(engine);
}

void scan_start(struct engine *engine)
{
	struct scan *scan = &engine->scan;

	if (scan->is_running || engine->stopping)
		return;
	scan->now_us = engine_now_us(engine);
	scan->takeover = clock_takeover(engine, scan->now_us);
	scan->job = (struct store_job){ .run = run_scan, .on_done = on_scan_done };
	if (store_read(engine->options.store, &scan->job) < 0)
		return; /* the next tick tries again */
	scan->is_running = true;
	engine->jobs++;
}
