/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds work in the store: rows of other workers' ledgers, of workers that ended, and retries that
 * are due. Skips disabled channels and open breakers, but never deleted channels, whose rows must
 * be dropped at any time. Leases of this machine's processes that are gone end first. Failure: the
 * next tick looks again.
 */
#include "delivery/scan.h"

#include <errno.h>
#include <stdlib.h>

#include "core/attributes.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "core/uuid.h"
#include "delivery/breaker.h"
#include "delivery/clock.h"
#include "delivery/engine.h"
#include "delivery/orphans.h"

#define PAGE 256 /* channels */

struct due_scan {
	struct store_job job;
	struct delivery_engine *engine;
	struct orphans *orphans;
	bool is_running;
	bool has_news; /* the scheduler has not turned this page yet */
	int64_t now_us;
	struct takeover takeover;
	struct uuid after; /* where the next page begins */
	size_t count;
	struct uuid found[PAGE];
};

/* Jumps from channel to channel along the index of pending rows, so that a channel with a
 * hundred thousand rows costs no more than one with a single row. A breaker that ends after $5
 * is from before the clock was set back. */
#define FIND_DUE(has_due)                                                                 \
	"WITH RECURSIVE waiting (id) AS ("                                                \
	"SELECT head.channel_id FROM (SELECT d.channel_id FROM deliveries d "             \
	"WHERE d.state = 'pending' AND d.channel_id > $1 ORDER BY d.channel_id LIMIT 1) " \
	"AS head UNION ALL "                                                              \
	"SELECT (SELECT d.channel_id FROM deliveries d WHERE d.state = 'pending' "        \
	"AND d.channel_id > waiting.id ORDER BY d.channel_id LIMIT 1) "                   \
	"FROM waiting WHERE waiting.id IS NOT NULL) "                                     \
	"SELECT waiting.id FROM waiting "                                                 \
	"LEFT JOIN channel_state s ON s.channel_id = waiting.id "                         \
	"WHERE waiting.id IS NOT NULL "                                                   \
	"AND (s.lease_owner IS NULL OR s.lease_owner = $3 OR s.lease_until < $4 "         \
	"OR s.lease_until > $6) "                                                         \
	"AND ((s.disabled_at IS NULL "                                                    \
	"AND (s.breaker_until IS NULL OR s.breaker_until <= $2 OR s.breaker_until > $5) " \
	"AND (" has_due ")) "                                                             \
	"OR NOT EXISTS (SELECT 1 FROM channels c JOIN teams t ON t.id = c.team_id "       \
	"WHERE c.id = waiting.id AND t.deleted_at IS NULL)) "                             \
	"ORDER BY waiting.id LIMIT 256"
#define OF_CHANNEL \
	"SELECT 1 FROM deliveries d WHERE d.channel_id = waiting.id AND d.state = 'pending' "
#define DUE_OF_CHANNEL OF_CHANNEL "AND d.next_attempt_at <= $2 "

/* On SQLite the index of times has only rows that were tried or held. Of the others the newest is
 * nearly always the channel's newest row, so the search begins there. Held rows are passed over in
 * the index. (EXISTS would ignore the order.) */
static const struct db_query find_due = {
	.sql = FIND_DUE("EXISTS (" DUE_OF_CHANNEL ")"),
	.sqlite = FIND_DUE("EXISTS (" DUE_OF_CHANNEL
			   "AND (d.attempts > 0 OR d.held_until IS NOT NULL)) "
			   "OR (" OF_CHANNEL "AND " DELIVERY_IS_NEW
			   "ORDER BY d.stream_ms DESC, d.stream_seq DESC LIMIT 1) IS NOT NULL"),
};
_Static_assert(PAGE == 256, "the LIMIT of find_due");

static int on_found(const struct db_row *row, void *arg)
{
	struct due_scan *scan = arg;

	if (scan->count < PAGE)
		scan->found[scan->count++] = row_uuid(row, 0);
	return 0;
}

static int run_scan(struct db *db, struct store_job *job)
{
	struct due_scan *scan = container_of(job, struct due_scan, job);
	const struct db_value values[] = {
		db_uuid(&scan->after),
		db_time(scan->now_us),
		db_text(str_of(scan->engine->options.worker)),
		db_time(scan->takeover.ended_us),
		db_time(scan->now_us + BREAKER_LONGEST_US),
		db_time(scan->takeover.absurd_us),
	};

	scan->count = 0;
	return db_run_now(db, &find_due, values, ARRAY_LEN(values), on_found, scan, NULL);
}

static void on_scan_done(struct store_job *job, int rc)
{
	struct due_scan *scan = container_of(job, struct due_scan, job);

	scan->is_running = false;
	scan->has_news = rc == 0;
	engine_end_job(scan->engine);
	if (rc < 0 && rc != -ENOTCONN && rc != -ECANCELED && rc != -EBUSY)
		log_error("could not look for pending deliveries",
			  log_str("error", errno_text(rc)));
}

static bool read_page(struct due_scan *scan)
{
	struct delivery_engine *engine = scan->engine;

	if (engine->stopping)
		return false;
	scan->now_us = engine_now_us(engine);
	scan->takeover = clock_takeover(engine, scan->now_us);
	scan->job = (struct store_job){ .run = run_scan, .on_done = on_scan_done };
	return engine_read(engine, &scan->job) == 0; /* or else with the next tick */
}

static void on_orphans_done(void *owner)
{
	struct due_scan *scan = owner;

	scan->is_running = read_page(scan);
}

void scan_start(struct due_scan *scan)
{
	if (scan->is_running || scan->has_news || scan->engine->stopping)
		return;
	scan->is_running = orphans_start(scan->orphans, on_orphans_done, scan) || read_page(scan);
}

bool scan_has_news(const struct due_scan *scan, const struct uuid **out, size_t *out_count)
{
	*out = scan->found;
	*out_count = scan->count;
	return scan->has_news;
}

/* A full page means there may be more: continue after it. If a channel found no place, continue
 * with that one, because earlier ones would take every place that becomes free. */
void scan_turn_page(struct due_scan *scan, size_t placed)
{
	scan->has_news = false;
	if (placed == scan->count && scan->count < PAGE)
		scan->after = (struct uuid){ .bytes = { 0 } };
	else if (placed > 0)
		scan->after = scan->found[placed - 1];
}

int scan_open(struct delivery_engine *engine, struct due_scan **out)
{
	struct due_scan *scan = calloc(1, sizeof(*scan));
	int rc;

	if (!scan)
		return -ENOMEM;
	scan->engine = engine;
	rc = orphans_open(engine, &scan->orphans);
	if (rc < 0)
		scan_close(scan);
	else
		*out = scan;
	return rc;
}

void scan_close(struct due_scan *scan)
{
	if (!scan)
		return;
	orphans_close(scan->orphans);
	free(scan);
}
