/* SPDX-License-Identifier: Apache-2.0 */

/* Commits batches of events, one store job for each run of a batch. */
#ifndef LEDGER_WRITER_H
#define LEDGER_WRITER_H

#include <stdint.h>

#include "bus/bus.h"
#include "core/log_limit.h"
#include "core/metrics.h"
#include "core/uuid.h"
#include "expect/expect.h"
#include "ledger/event_rows.h"
#include "ledger/position.h"
#include "store/store.h"

typedef void (*ledger_done_fn)(int rc, void *owner);

/* A channel has new deliveries, which are committed. */
typedef void (*ledger_work_fn)(const struct fresh_rows *fresh, void *owner);

struct ledger_metrics {
	struct metric *commits;
	struct metric *events;
	struct metric *deliveries;
	struct metric *accepts;
	struct metric *follow_ups;
	struct metric *repeats;
	struct metric *rejected;
	struct metric *bad_capsules;
	struct metric *reused_ids;
	struct metric *without_leaf;
	struct metric *missed;
	struct metric *arrived;
	struct metric *unwatched; /* events that began no wait: the team has too many */
	struct metric *latency;
};

/* State that the commits of one worker share. */
struct ledger_writer {
	struct store *store;
	const char *group;
	const char *worker;
	struct event_rules rules;
	int64_t (*now_us)(void); /* wall clock */
	/* The position this worker last committed, or found when it got the lease. */
	struct position position;
	struct expect_cache expected; /* for the thread of the running job */
	struct ledger_metrics metrics;
	struct log_limit refusal_lines;
	ledger_work_fn on_work; /* may be NULL */
	void *work_owner;
};

/* Registers the metrics. The caller sets the other members. */
void ledger_writer_init(struct ledger_writer *writer);

/* Like ledger_commit(). */
void ledger_writer_commit(struct ledger_writer *writer, struct bus_batch *batch,
			  ledger_done_fn on_done, void *owner);

#endif
