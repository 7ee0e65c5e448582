/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who writes the ledger: one worker of all machines at a time, the holder of a lease in the
 * store.
 *
 *                      free, or its owner is gone            taken
 *    STANDING_BY --------------------------------> TAKING ---------> LEADING
 *         ^   ^                                      |                |   | renewed every 3 s
 *         |   +-- another was faster ----------------+                |   v
 *         +----- another worker has it, or the store went back -------+  given back: closed
 *         +----- cannot read the group: given back -------------------+
 *
 * A worker that stands by looks twice a second; that is a read and blocks nobody. Times are those
 * of the store: the clock of PostgreSQL, or of the machine with SQLite. A lease that ends later
 * than any lease can was given by a clock that has been set back since. It counts as over. So does
 * the lease of a process of this machine that is gone (core/worker_name.h).
 *
 * Failure: a job that fails is tried again on the next tick. The holder goes on meanwhile,
 * because its commits carry the fence. It reads nothing more from the group once its lease may be
 * over.
 */
#include "ledger/lease.h"

#include <errno.h>
#include <stdlib.h>

#include "core/backoff.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/worker_name.h"
#include "ledger/fence.h"

#define LEASE_US       (INT64_C(10) * 1000000) /* as in the statements */
#define LOOKS_A_TICK   2
#define TICKS_TO_RENEW 3
#define JITTER_PERCENT 20
#define VAIN_RENEWALS  1

enum lease_step { STEP_RESTING, STEP_LOOKING, STEP_TAKING, STEP_RENEWING, STEP_GIVING_BACK };

struct ledger_lease {
	struct ledger_lease_options options;
	uv_timer_t timer;
	struct store_job job;
	enum lease_step step;
	bool is_leading;
	int64_t until_us; /* monotonic; until then no other worker takes the lease */
	bool is_silent;   /* its owner stops: no events, no more jobs */
	bool is_closing;
	void (*on_closed)(void *owner);
	void *close_owner;
	struct metric *leader_gauge;
	bool standby_is_logged;
	unsigned vain_renewals; /* renewals in a row without being able to read the group */

	/* About the running job. */
	int64_t asked_us; /* monotonic, when the job ran: time in the queue costs no lease */
	struct position known;
	bool is_found;
	bool is_free;
	int64_t changed;
	struct fence fence;
};

/* ---- jobs ---------------------------------------------------------------------------------- */

#define POSTGRES_LOOK                                             \
	"SELECT owner, expires_at < clock_timestamp() OR "        \
	"expires_at > clock_timestamp() + interval '20 seconds' " \
	"FROM ledger_leases WHERE group_name = $1"
#define SQLITE_TIME(offset) "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '" offset " seconds')"
#define SQLITE_LOOK                                \
	"SELECT owner, expires_at < " SQLITE_TIME( \
		"+0") " OR "                       \
		      "expires_at > " SQLITE_TIME( \
			      "+20") " FROM ledger_leases WHERE group_name = $1"

static const struct db_query look = { .sql = POSTGRES_LOOK, .sqlite = SQLITE_LOOK };
/* A holder that froze in a transaction keeps the row locked. No other write may wait for that. */
static const struct db_query look_and_lock = { .sql = POSTGRES_LOOK " FOR UPDATE SKIP LOCKED",
					       .sqlite = SQLITE_LOOK };
static const struct db_query add = {
	.sql = "INSERT INTO ledger_leases (group_name, owner, expires_at) "
	       "VALUES ($1, $2, clock_timestamp() + interval '10 seconds') "
	       "ON CONFLICT (group_name) DO NOTHING",
	.sqlite = "INSERT INTO ledger_leases (group_name, owner, expires_at) "
		  "VALUES ($1, $2, " SQLITE_TIME("+10") ") ON CONFLICT (group_name) DO NOTHING",
};
static const struct db_query keep = {
	.sql = "UPDATE ledger_leases SET owner = $2, "
	       "expires_at = clock_timestamp() + interval '10 seconds' WHERE group_name = $1",
	.sqlite = "UPDATE ledger_leases SET owner = $2, expires_at = " SQLITE_TIME(
		"+10") " WHERE group_name = $1",
};
static const struct db_query give_back = {
	.sql = "DELETE FROM ledger_leases WHERE group_name = $1 AND owner = $2",
};

static int run(struct ledger_lease *lease, struct db *db, const struct db_query *query)
{
	const struct db_value values[] = { db_text(str_of(lease->options.group)),
					   db_text(str_of(lease->options.worker)) };

	return db_run_now(db, query, values, ARRAY_LEN(values), NULL, NULL, &lease->changed);
}

static int on_look(const struct db_row *row, void *arg)
{
	struct ledger_lease *lease = arg;
	struct str ours = str_of(lease->options.worker);
	struct str owner = row_text(row, 0);

	lease->is_found = true;
	lease->is_free =
		row_bool(row, 1) || str_eq(owner, ours) || worker_name_is_gone(owner, ours);
	return 0;
}

static int run_look_as(struct ledger_lease *lease, struct db *db, const struct db_query *query)
{
	const struct db_value group = db_text(str_of(lease->options.group));

	lease->is_found = false;
	lease->is_free = false;
	return db_run_now(db, query, &group, 1, on_look, lease, NULL);
}

static int run_look(struct db *db, struct store_job *job)
{
	return run_look_as(container_of(job, struct ledger_lease, job), db, &look);
}

/* A row that is not found is missing, or locked by a faster worker. */
static int run_take(struct db *db, struct store_job *job)
{
	struct ledger_lease *lease = container_of(job, struct ledger_lease, job);
	int rc;

	lease->asked_us = lease->options.mono_us();
	rc = run_look_as(lease, db, &look_and_lock);
	lease->changed = 0;
	lease->fence = (struct fence){ .is_ours = false };
	if (rc == 0 && !lease->is_found)
		rc = run(lease, db, &add);
	else if (rc == 0 && lease->is_free)
		rc = run(lease, db, &keep);
	if (rc < 0 || lease->changed == 0)
		return rc;
	rc = fence_ask(db, lease->options.group, lease->options.worker, &lease->fence);
	return rc < 0 ? rc : db_flush(db);
}

static int run_renew(struct db *db, struct store_job *job)
{
	struct ledger_lease *lease = container_of(job, struct ledger_lease, job);
	int rc;

	lease->asked_us = lease->options.mono_us();
	rc = fence_ask(db, lease->options.group, lease->options.worker, &lease->fence);
	if (rc == 0)
		rc = db_flush(db);
	return rc < 0 || !lease->fence.is_ours ? rc : run(lease, db, &keep);
}

static int run_give_back(struct db *db, struct store_job *job)
{
	return run(container_of(job, struct ledger_lease, job), db, &give_back);
}

/* ---- the way through ----------------------------------------------------------------------- */

static void on_done(struct store_job *job, int rc);
static void on_timer(uv_timer_t *timer);

static void rest(struct ledger_lease *lease)
{
	int64_t tick_ms = lease->options.tick_ms;
	int64_t pause_ms = lease->is_leading ? tick_ms * TICKS_TO_RENEW
					     : jitter(tick_ms / LOOKS_A_TICK, JITTER_PERCENT);

	lease->step = STEP_RESTING;
	uv_timer_start(&lease->timer, on_timer, (uint64_t)pause_ms, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct ledger_lease *lease = handle->data;

	if (lease->on_closed)
		lease->on_closed(lease->close_owner);
	free(lease);
}

static void finish_closing(struct ledger_lease *lease)
{
	metric_set(lease->leader_gauge, 0);
	uv_close((uv_handle_t *)&lease->timer, on_timer_closed);
}

static void start(struct ledger_lease *lease, enum lease_step step)
{
	static int (*const runs[])(struct db *, struct store_job *) = {
		[STEP_LOOKING] = run_look,
		[STEP_TAKING] = run_take,
		[STEP_RENEWING] = run_renew,
		[STEP_GIVING_BACK] = run_give_back,
	};
	struct store *store = lease->options.store;
	int rc;

	lease->step = step;
	lease->known = *lease->options.position;
	/* Uses the ledger's own writer of the store. On another writer it would wait for the row
	 * that the ledger has locked, and the jobs of that writer would wait, too. */
	lease->job = (struct store_job){
		.run = runs[step],
		.on_done = on_done,
		.is_repeatable = true,
		.is_audited = true,
		.priority = STORE_PRIORITY_HIGHEST,
	};
	rc = step == STEP_LOOKING ? store_read(store, &lease->job)
				  : store_write(store, &lease->job);
	if (rc == 0)
		return;
	if (lease->is_closing)
		finish_closing(lease); /* the lease runs out by itself */
	else
		rest(lease);
}

static bool can_read(const struct ledger_lease *lease)
{
	const struct lease_events *events = &lease->options.events;

	return !events->can_read || events->can_read(events->owner);
}

static void renew_or_give_back(struct ledger_lease *lease)
{
	lease->vain_renewals = can_read(lease) ? 0 : lease->vain_renewals + 1;
	start(lease, lease->vain_renewals > VAIN_RENEWALS ? STEP_GIVING_BACK : STEP_RENEWING);
}

static void on_timer(uv_timer_t *timer)
{
	struct ledger_lease *lease = timer->data;

	if (lease->is_leading)
		renew_or_give_back(lease);
	else if (can_read(lease))
		start(lease, STEP_LOOKING);
	else
		rest(lease);
}

static void take_lead(struct ledger_lease *lease)
{
	lease->is_leading = true;
	lease->standby_is_logged = false;
	lease->vain_renewals = 0;
	lease->until_us = lease->asked_us + LEASE_US;
	*lease->options.position = lease->fence.stored;
	if (lease->is_silent)
		return;
	metric_set(lease->leader_gauge, 1);
	log_info("this worker writes the ledger from now on",
		 log_str("group", lease->options.group));
	lease->options.events.on_lead(lease->fence.stored.is_known, lease->fence.stored.last,
				      lease->options.events.owner);
}

static void stand_by(struct ledger_lease *lease, const char *why)
{
	if (!lease->is_leading)
		return;
	lease->is_leading = false;
	metric_set(lease->leader_gauge, 0);
	if (lease->is_silent)
		return;
	log_warn(why, log_str("group", lease->options.group));
	if (lease->step == STEP_RESTING)
		rest(lease); /* look again sooner than for a renewal */
	lease->options.events.on_stand_by(lease->options.events.owner);
}

void ledger_lease_lost(struct ledger_lease *lease)
{
	stand_by(lease, "this worker no longer writes the ledger: another worker took over, or the "
			"store lost commits");
}

/* True when this worker should take the lease. */
static bool judge_look(struct ledger_lease *lease, int rc)
{
	if (rc < 0)
		return false;
	if (lease->is_found && !lease->is_free && !lease->standby_is_logged) {
		lease->standby_is_logged = true;
		log_info("another worker writes the ledger; this one is on standby",
			 log_str("group", lease->options.group));
	}
	return !lease->is_found || lease->is_free;
}

static void judge_renewal(struct ledger_lease *lease, int rc)
{
	if (rc < 0)
		return;
	if (fence_holds(&lease->fence, &lease->known))
		lease->until_us = lease->asked_us + LEASE_US;
	else
		ledger_lease_lost(lease);
}

static void on_done(struct store_job *job, int rc)
{
	struct ledger_lease *lease = container_of(job, struct ledger_lease, job);
	enum lease_step step = lease->step;
	bool is_wanted = false;

	lease->step = STEP_RESTING;
	if (step == STEP_TAKING && rc == 0 && lease->changed > 0)
		take_lead(lease);
	else if (step == STEP_RENEWING)
		judge_renewal(lease, rc);
	else if (step == STEP_LOOKING)
		is_wanted = judge_look(lease, rc);
	else if (step == STEP_GIVING_BACK && rc == 0)
		stand_by(lease, "this worker no longer writes the ledger: it cannot reach Redis");
	if (!lease->is_silent && is_wanted)
		start(lease, STEP_TAKING);
	else if (!lease->is_silent)
		rest(lease);
	else if (!lease->is_closing)
		return; /* ledger_lease_close() gives it back */
	else if (lease->is_leading && step != STEP_GIVING_BACK)
		start(lease, STEP_GIVING_BACK);
	else
		finish_closing(lease);
}

bool ledger_lease_runs(const struct ledger_lease *lease, unsigned for_ms)
{
	return lease->is_leading &&
	       lease->options.mono_us() + for_ms * INT64_C(1000) < lease->until_us;
}

/* ---- opening and closing ------------------------------------------------------------------- */

int ledger_lease_open(const struct ledger_lease_options *options, struct ledger_lease **out)
{
	struct ledger_lease *lease = calloc(1, sizeof(*lease));

	if (!lease)
		return -ENOMEM;
	lease->options = *options;
	lease->leader_gauge = metric_gauge("wrenn_events_ledger_leader", NULL,
					   "Workers that write the ledger: one of all machines.");
	uv_timer_init(lease->options.loop, &lease->timer);
	lease->timer.data = lease;
	uv_timer_start(&lease->timer, on_timer, 0, 0);
	*out = lease;
	return 0;
}

void ledger_lease_silence(struct ledger_lease *lease)
{
	lease->is_silent = true;
	uv_timer_stop(&lease->timer);
}

void ledger_lease_close(struct ledger_lease *lease, void (*on_closed)(void *owner), void *owner)
{
	if (!lease) {
		on_closed(owner);
		return;
	}
	lease->on_closed = on_closed;
	lease->close_owner = owner;
	lease->is_closing = true;
	ledger_lease_silence(lease);
	if (lease->step != STEP_RESTING)
		return; /* on_done() closes it */
	if (lease->is_leading)
		start(lease, STEP_GIVING_BACK);
	else
		finish_closing(lease);
}
