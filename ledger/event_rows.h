/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rows that events become: audit rows, deliveries, notes of suppressed events, capsules, the
 * marks that later events are compared with, a team's waits for expected events, and counters of
 * activity. For one run of a batch: gather every event, read twice, write every event in stream
 * order, write the rest.
 */
#ifndef LEDGER_EVENT_ROWS_H
#define LEDGER_EVENT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/audit.h"
#include "core/attributes.h"
#include "core/event.h"
#include "expect/expect.h"
#include "ledger/activity.h"
#include "ledger/marks.h"
#include "ledger/matches.h"
#include "ledger/position.h"
#include "ledger/trees.h"
#include "store/store.h"

/* The same for all events of this worker. */
struct event_rules {
	enum audit_mode audit_mode;
	bool deliver;
	bool notify_completion; /* notify when a request is completed, not when it is accepted */
	bool strip_host;        /* leave host_ip and host_id out of payloads */
	int64_t started_us;     /* wall clock */
};

struct event_counts {
	int64_t deliveries;
	int64_t accepts;
	int64_t follow_ups;
	int64_t repeats;
	int64_t bad_capsules;
};

struct event_rows {
	const struct event_rules *rules;
	const struct position *stored; /* of the ledger; read before the first write */
	int64_t now_us;
	struct marks marks;
	struct matches matches;
	struct activity activity;
	struct trees trees;
	struct expect_batch expected;
	struct event_counts counts;
	size_t fresh_bytes; /* of the rows for the engine */
};

/* Makes room for that many events. The cache must outlive the rows. 0 or -ENOMEM; event_rows_done()
 * is needed after both. */
int event_rows_init(struct event_rows *rows, struct expect_cache *cache, size_t events) must_check;
void event_rows_done(struct event_rows *rows);
/* Forgets the events, keeps the memory. */
void event_rows_reset(struct event_rows *rows);

int event_rows_gather(struct event_rows *rows, const struct event *event) must_check;
/* Pipelined; complete after the caller's db_flush(). */
int event_rows_read(struct event_rows *rows, struct db *db) must_check;
/* After that flush: reads what depends on the teams' rules. Pipelined, too. */
int event_rows_read_waits(struct event_rows *rows, struct db *db) must_check;
int event_rows_write(struct event_rows *rows, struct db *db, const struct event *event) must_check;
/* After the last event: writes leaves, marks and counters. Flushes. */
int event_rows_write_rest(struct event_rows *rows, struct db *db) must_check;

/* True when the event was committed before: it is not past the stored position. */
bool event_rows_is_reread(const struct event_rows *rows, const struct event *event);

#endif
