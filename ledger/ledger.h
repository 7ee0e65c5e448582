/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The ledger: a batch of events becomes audit rows, deliveries, capsule rows and the group's
 * position, in one transaction. It promises:
 *
 *   all or nothing   a batch that was not committed left no trace and may be offered again
 *   once             an event that comes again changes nothing; all ids come from the stream
 *   one writer       of all workers on all machines, the one with the lease writes
 *   no blockage      an event that the store will never take is rejected, the rest committed
 *
 * Where it is decided (docs/notes/ledger.md, audit-proof.md, audit-keeping.md):
 *
 * Who writes
 *   ledger.c            which of the timers below run at all
 *   lease.c             which worker leads, for how long (10 s), and when another takes over
 *   fence.c             may a worker commit? (not without the lease, nor in a store that went back)
 *   position.c          how far the group is; which stream ids fit
 *
 * A batch
 *   writer.c            is a batch committed whole or event by event? Which event is rejected?
 *   reread.c            is an entry that comes again the same event?
 *   event_rows.c        what one event becomes: whom does it notify, and why not?
 *   marks.c             does it repeat another (1 min) or follow up on an accept (15 min)?
 *   matches.c           which channels want it
 *   capsules.c          which `sandbox` objects are believed (embedded store only)
 *   snapshots.c         which events end a snapshot
 *
 * Trees of the audit trail
 *   trees.c             is a tree damaged? Which rows become its leaves?
 *   waiting.c           how many rows of other workers become leaves at once
 *
 * By timer, only on the worker that leads
 *   watch.c             when to look for events that did not come (which: expect/waits.c)
 *   upkeep.c            when rows of others become leaves, and when a round of checkpoints may run
 *   checkpoint_round.c  is a round due (every hour), and which trees are signed in it?
 *   retention_timer.c   when old rows of the audit log are dropped
 *   retention.c         which rows are too old, and what must be in a file before
 *
 * Helpers: delivery_rows.c, leaves.c, leaf_rows.c, activity.c (counts the events of each team).
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "audit/audit.h"
#include "bus/bus.h"
#include "core/attributes.h"
#include "core/fresh_rows.h"
#include "core/uuid.h"
#include "ledger/delivery_rows.h"
#include "ledger/lease.h"
#include "ledger/watch.h"
#include "store/store.h"

struct ledger;

struct ledger_options {
	uv_loop_t *loop;
	struct store *store;
	const char
		*worker;   /* unique per process, from worker_name_make(): the owner of the lease */
	const char *group; /* whose position the ledger keeps */
	enum audit_mode audit_mode;
	bool deliver;             /* WRENN_EVENTS_DELIVER */
	bool notify_completion;   /* WRENN_EVENTS_NOTIFY_ON: when completed, not when accepted */
	bool strip_host;          /* WRENN_EVENTS_STRIP_HOST: no host_ip and host_id in payloads */
	int64_t (*now_us)(void);  /* wall clock */
	int64_t (*mono_us)(void); /* monotonic clock */
	unsigned tick_ms;         /* for the lease (every third) and for misses (every fifth) */
	struct watch_stream stream; /* where to announce missed events */
	/* A channel has new deliveries, which are committed. May be NULL. */
	void (*on_work)(const struct fresh_rows *fresh, void *owner);
	const struct audit_signer *signer; /* NULL: no checkpoints are made */
	/* A checkpoint of the audit log is committed. May be NULL. */
	void (*on_checkpoint)(const struct audit_checkpoint *checkpoint, void *owner);
	unsigned keep_days;         /* rows of the audit log; 0: for ever */
	const char *archive_folder; /* gets old rows before they are dropped; NULL: none */
	void *owner;
};

int ledger_open(const struct ledger_options *options, struct ledger **out) must_check;
/* After ledger_stop() and the last commit. Accepts NULL. */
void ledger_close(struct ledger *ledger);

/* Tries to get the lease until this worker has it, and again after every loss. Call ledger_stop()
 * after a failure as well. */
int ledger_start(struct ledger *ledger, const struct lease_events *events) must_check;
/* Gives the lease back, so that another worker takes it at once. No event comes after this call.
 * Calls on_stopped, perhaps before it returns. Accepts NULL. */
void ledger_stop(struct ledger *ledger, void (*on_stopped)(void *owner), void *owner);

/* Commits the batch; an empty one commits its position. on_done gets 0, or a negative code when
 * nothing was committed and the batch must be offered again. -EPERM: this worker does not have
 * the lease, or the store is no longer where this worker left it. An event that can never be
 * stored is marked in batch->rejected and the others are committed. */
void ledger_commit(struct ledger *ledger, struct bus_batch *batch,
		   void (*on_done)(int rc, void *owner), void *owner);

/* A commit answered -EPERM. */
void ledger_lost(struct ledger *ledger);

/* True when this worker has the lease for at least that time. */
bool ledger_runs(const struct ledger *ledger, unsigned for_ms);

#endif
