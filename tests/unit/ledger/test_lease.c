/* SPDX-License-Identifier: Apache-2.0 */

/* One worker of all writes the ledger: who gets the lease, who loses it, and what the fence keeps
 * out. */
#include <errno.h>
#include <stdio.h>

#include "store/workers.h"
#include "tests/support/gone_worker.h"
#include "tests/support/rig.h"

#define WELL ",\"outcome\":\"success\""

/* A worker with a lease, and what its owner heard. */
struct member {
	struct rig rig;
	int leads;
	int stands;
	bool known;
	struct stream_id last;
	bool is_closed;
	bool is_cut_off; /* cannot read the group */
};

struct two {
	struct member a;
	struct member b;
};

static void on_lead(bool known, struct stream_id last, void *owner)
{
	struct member *member = owner;

	member->leads++;
	member->known = known;
	member->last = last;
}

static void on_stand_by(void *owner)
{
	((struct member *)owner)->stands++;
}

static void on_closed(void *owner)
{
	((struct member *)owner)->is_closed = true;
}

static bool can_read(void *owner)
{
	return !((struct member *)owner)->is_cut_off;
}

static void stand(struct member *member)
{
	const struct lease_events events = { .on_lead = on_lead,
					     .on_stand_by = on_stand_by,
					     .can_read = can_read,
					     .owner = member };

	member->is_closed = false;
	cr_assert_eq(ledger_start(member->rig.ledger, &events), 0);
}

static bool is_leading(struct rig *rig, void *arg)
{
	(void)rig;
	return ledger_runs(((struct member *)arg)->rig.ledger, 0);
}

static bool has_stood_down(struct rig *rig, void *arg)
{
	(void)rig;
	return ((struct member *)arg)->stands > 0;
}

static bool has_closed(struct rig *rig, void *arg)
{
	(void)rig;
	return ((struct member *)arg)->is_closed;
}

static void step_down(struct member *member)
{
	ledger_stop(member->rig.ledger, on_closed, member);
	rig_turn_until(&member->rig, has_closed, member);
}

static void open_two(struct two *two, enum database_engine engine, const char *name)
{
	const struct rig_options first = { .worker = name ? name : "worker-1" };
	struct rig_options second = { .worker = "worker-2" };

	*two = (struct two){ .a.leads = 0 };
	rig_open(&two->a.rig, engine, &first);
	rig_ask(&two->a.rig, "DELETE FROM ledger_leases");
	second.database = &two->a.rig.database;
	rig_open(&two->b.rig, engine, &second);
	stand(&two->a);
	rig_turn_until(&two->a.rig, is_leading, &two->a);
	stand(&two->b);
	rig_idle(&two->b.rig);
	cr_assert_eq(two->b.leads, 0, "two lead");
}

static void close_two(struct two *two)
{
	step_down(&two->b);
	step_down(&two->a);
	rig_close(&two->b.rig);
	rig_close(&two->a.rig);
}

#define WITH_TWO(steps)                                             \
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) { \
		struct two two;                                     \
		open_two(&two, (enum database_engine)engine, NULL); \
		steps(&two);                                        \
		close_two(&two);                                    \
	}

static int commit(struct member *member, int64_t ms)
{
	struct event *event = rig_event("capsule.pause", USER, WELL, ms);

	return rig_commit(&member->rig, &event, 1);
}

static int64_t audits(struct member *member)
{
	return rig_ask(&member->rig, "SELECT count(*) FROM audit_logs");
}

static void expire(struct two *two)
{
	rig_ask(&two->a.rig, "UPDATE ledger_leases SET expires_at = '2020-01-01T00:00:00.000000Z'");
}

/* ---- one of two ------------------------------------------------------------------------------ */

static void keep_the_other_out(struct two *two)
{
	cr_expect_not(two->a.known);
	cr_expect_eq(commit(&two->b, START_MS), -EPERM);
	cr_expect_eq(audits(&two->b), 0);
	cr_expect_eq(rig_ask(&two->b.rig, "SELECT count(*) FROM positions"), 0);
	cr_expect_eq(commit(&two->a, START_MS), 0);
	cr_expect_eq(audits(&two->a), 1);
}

Test(ledger_lease, lets_one_of_two_write)
{
	WITH_TWO(keep_the_other_out);
}

static void hand_over(struct two *two)
{
	cr_assert_eq(commit(&two->a, START_MS + 7), 0);
	step_down(&two->a);
	cr_expect_eq(rig_ask(&two->a.rig, "SELECT count(*) FROM ledger_leases"), 0,
		     "the other would wait for its end");
	rig_turn_until(&two->b.rig, is_leading, &two->b);
	cr_expect_eq(two->b.leads, 1);
	cr_expect(two->b.known);
	cr_expect_eq(two->b.last.ms, START_MS + 7, "it hears where the ledger is");
	cr_expect_eq(commit(&two->b, START_MS + 8), 0);
	stand(&two->a);
}

Test(ledger_lease, is_given_back_at_once_and_taken_with_the_position)
{
	WITH_TWO(hand_over);
}

/* The rigs have a loop each, and the second one looks only while it turns. */
static void be_cut_off(struct two *two)
{
	two->a.is_cut_off = true;
	rig_turn_until(&two->a.rig, has_stood_down, &two->a);
	cr_expect_eq(commit(&two->a, START_MS), -EPERM);
	rig_turn_until(&two->b.rig, is_leading, &two->b);
	cr_expect_eq(commit(&two->b, START_MS), 0);
	two->b.is_cut_off = true;
	rig_turn_until(&two->b.rig, has_stood_down, &two->b);
	rig_idle(&two->a.rig);
	cr_expect_eq(rig_ask(&two->a.rig, "SELECT count(*) FROM ledger_leases"), 0,
		     "nobody can read");
	two->a.is_cut_off = false;
	rig_turn_until(&two->a.rig, is_leading, &two->a);
	cr_expect_eq(two->a.leads, 2);
}

Test(ledger_lease, is_given_back_by_a_worker_that_cannot_read_the_group)
{
	WITH_TWO(be_cut_off);
}

static void take_over(struct two *two)
{
	static const char *const ends[] = { "2020-01-01T00:00:00.000000Z",
					    "2999-01-01T00:00:00.000000Z" };

	step_down(&two->a);
	step_down(&two->b);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		rig_ask(&two->a.rig,
			"INSERT INTO ledger_leases (group_name, owner, expires_at) "
			"VALUES ('test-group', 'another', '%s')",
			ends[i]);
		stand(&two->b);
		rig_turn_until(&two->b.rig, is_leading, &two->b);
		step_down(&two->b);
	}
	stand(&two->a);
	stand(&two->b);
}

Test(ledger_lease, is_taken_when_it_is_over_or_of_a_clock_that_was_set_back)
{
	WITH_TWO(take_over);
}

/* Measured by the store's clock. */
static int64_t lease_left_ms(struct rig *rig)
{
	bool is_embedded = strncmp(rig->database.url, "sqlite", 6) == 0;

	return rig_ask(rig, is_embedded ? "SELECT CAST((julianday(expires_at) - julianday('now')) "
					  "* 86400000 AS INTEGER) FROM ledger_leases"
					: "SELECT (extract(epoch FROM expires_at - "
					  "clock_timestamp()) * 1000)::bigint FROM ledger_leases");
}

static bool has_time_left(struct rig *rig, void *arg)
{
	(void)arg;
	return lease_left_ms(rig) > 0;
}

/* What the store's clock shows, and when the lease ends by it. */
static int64_t store_ms(struct rig *rig)
{
	bool is_embedded = strncmp(rig->database.url, "sqlite", 6) == 0;

	return rig_ask(rig, is_embedded ? "SELECT CAST((julianday('now') - 2440587.5) * 86400000 "
					  "AS INTEGER)"
					: "SELECT (extract(epoch FROM clock_timestamp()) "
					  "* 1000)::bigint");
}

/* The store is asked before and after, so it may take any time: only the milliseconds that its
 * clock rounds off are too many. */
static void expect_ten_seconds(struct rig *rig, int64_t before_ms, const char *when)
{
	int64_t left_ms = lease_left_ms(rig);

	cr_expect_leq(left_ms, 10000, "%s", when);
	cr_expect_geq(store_ms(rig) + left_ms - before_ms, 10000 - 2, "%s", when);
}

/* So a machine that is gone is waited for no longer than this and the next look, and one that is
 * slow has all this time. */
static void end_in_ten_seconds(struct two *two)
{
	int64_t before_ms;

	step_down(&two->a);
	step_down(&two->b);
	before_ms = store_ms(&two->a.rig);
	stand(&two->a);
	rig_turn_until(&two->a.rig, is_leading, &two->a);
	expect_ten_seconds(&two->a.rig, before_ms, "when it was taken");
	before_ms = store_ms(&two->a.rig);
	expire(two);
	rig_turn_until(&two->a.rig, has_time_left, NULL);
	expect_ten_seconds(&two->a.rig, before_ms, "when it was renewed");
	cr_expect_eq(two->a.leads, 2);
	stand(&two->b);
}

Test(ledger_lease, ends_ten_seconds_after_it_was_taken_or_renewed)
{
	WITH_TWO(end_in_ten_seconds);
}

/* Renews the lease of the gone worker, so that it does not run out. */
static bool leads_in_spite_of_it(struct rig *rig, void *arg)
{
	bool is_embedded = strncmp(rig->database.url, "sqlite", 6) == 0;

	rig_ask(rig, is_embedded ? "UPDATE ledger_leases SET expires_at = "
				   "strftime('%%Y-%%m-%%dT%%H:%%M:%%f000Z', 'now', '+10 seconds')"
				 : "UPDATE ledger_leases SET expires_at = "
				   "clock_timestamp() + interval '10 seconds'");
	return is_leading(rig, arg);
}

Test(ledger_lease, of_a_process_that_is_gone_is_not_waited_for)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		char gone[WORKER_NAME_SIZE];
		char ours[WORKER_NAME_SIZE];
		struct member member = { .leads = 0 };
		const struct rig_options options = { .worker = ours };

		name_the_gone(gone);
		worker_name_make(ours);
		rig_open(&member.rig, (enum database_engine)engine, &options);
		stand(&member);
		rig_turn_until(&member.rig, is_leading, &member);
		rig_ask(&member.rig, "UPDATE ledger_leases SET owner = '%s'", gone);
		rig_turn_until(&member.rig, has_stood_down, &member);
		rig_turn_until(&member.rig, leads_in_spite_of_it, &member);
		cr_expect_eq(member.leads, 2);
		step_down(&member);
		rig_close(&member.rig);
	}
}

/* ---- the fence ------------------------------------------------------------------------------- */

static void thaw(struct two *two)
{
	cr_assert_eq(commit(&two->a, START_MS), 0);
	/* From here on the first worker is frozen: its event loop does not run. */
	expire(two);
	rig_turn_until(&two->b.rig, is_leading, &two->b);
	cr_assert_eq(commit(&two->b, START_MS + 1), 0);
	cr_expect_eq(commit(&two->a, START_MS + 2), -EPERM);
	cr_expect_eq(audits(&two->a), 2);
	cr_expect_eq(rig_ask(&two->a.rig, "SELECT last_ms FROM positions"), START_MS + 1);
	ledger_lost(two->a.rig.ledger);
	cr_expect_eq(two->a.stands, 1);
	rig_idle(&two->a.rig);
	cr_expect_eq(two->a.leads, 1, "it stands by");
}

Test(ledger_lease, lets_a_worker_that_was_frozen_commit_nothing)
{
	WITH_TWO(thaw);
}

static void hear_of_the_loss(struct two *two)
{
	expire(two);
	rig_turn_until(&two->b.rig, is_leading, &two->b);
	rig_turn_until(&two->a.rig, has_stood_down, &two->a);
	cr_expect_not(ledger_runs(two->a.rig.ledger, 0));
}

Test(ledger_lease, that_was_taken_over_is_missed_at_the_next_renewal)
{
	WITH_TWO(hear_of_the_loss);
}

static void roll_back(struct two *two)
{
	rig_ask(&two->a.rig, "DELETE FROM audit_logs");
	rig_ask(&two->a.rig, "UPDATE positions SET last_ms = %lld", (long long)START_MS);
}

/* As when PostgreSQL fails over to a server that lacks the last commits. */
static void notice_lost_commits(struct two *two)
{
	cr_assert_eq(commit(&two->a, START_MS), 0);
	cr_assert_eq(commit(&two->a, START_MS + 100), 0);
	roll_back(two);
	cr_expect_eq(commit(&two->a, START_MS + 101), -EPERM, "with a hole before it");
	cr_expect_eq(audits(&two->a), 0);
	ledger_lost(two->a.rig.ledger);
	rig_turn_until(&two->a.rig, is_leading, &two->a);
	cr_expect_eq(two->a.last.ms, START_MS, "it goes on where the store is");
	cr_assert_eq(commit(&two->a, START_MS + 100), 0);
	/* The renewal notices it, too, when there is nothing to commit. */
	two->a.stands = 0;
	roll_back(two);
	rig_turn_until(&two->a.rig, has_stood_down, &two->a);
	rig_turn_until(&two->a.rig, is_leading, &two->a);
	cr_expect_eq(two->a.last.ms, START_MS);
}

Test(ledger_lease, is_taken_again_when_the_store_has_lost_commits)
{
	WITH_TWO(notice_lost_commits);
}

static void doubt(struct two *two)
{
	cr_expect(ledger_runs(two->a.rig.ledger, 2500));
	rig_now_us += 9 * SECOND_US;
	cr_expect_not(ledger_runs(two->a.rig.ledger, 2500), "not for so long");
	rig_now_us += 2 * SECOND_US;
	cr_expect_not(ledger_runs(two->a.rig.ledger, 0), "it may be another's by now");
	rig_turn_until(&two->a.rig, is_leading, &two->a);
	cr_expect_eq(two->a.stands, 0, "nobody else took it");
}

Test(ledger_lease, is_not_relied_on_when_it_may_have_run_out)
{
	WITH_TWO(doubt);
}

/* ---- a renewal that waits for its turn --------------------------------------------------- */

/* Holds the writer of audited jobs. */
struct gate {
	struct store_job job;
	uv_sem_t inside;
	uv_sem_t open;
	const struct db_query *last; /* what it runs at its end; NULL: nothing */
	bool is_done;
};

static int run_gate(struct db *db, struct store_job *job)
{
	struct gate *gate = container_of(job, struct gate, job);

	uv_sem_post(&gate->inside);
	uv_sem_wait(&gate->open);
	return gate->last ? db_run_now(db, gate->last, NULL, 0, NULL, NULL, NULL) : 0;
}

static void on_gate_done(struct store_job *job, int rc)
{
	struct gate *gate = container_of(job, struct gate, job);

	cr_expect_eq(rc, 0);
	gate->is_done = true;
}

static bool is_gate_done(struct rig *rig, void *arg)
{
	(void)rig;
	return ((struct gate *)arg)->is_done;
}

static void queue_gate(struct rig *rig, struct gate *gate)
{
	*gate = (struct gate){ .job = { .run = run_gate, .on_done = on_gate_done } };
	gate->job.is_audited = true;
	uv_sem_init(&gate->inside, 0);
	uv_sem_init(&gate->open, 0);
	cr_assert_eq(store_write(rig->store, &gate->job), 0);
}

/* The lease lasts from when the store renewed it, not from when the renewal was queued; and changes
 * that came before the renewal do not run before it. */
Test(ledger_lease, renewed_after_a_long_job_lasts_as_long_as_any)
{
	struct gate gates[2];
	struct two two;

	open_two(&two, DATABASE_POSTGRES, NULL);
	queue_gate(&two.a.rig, &gates[0]);
	uv_sem_wait(&gates[0].inside);
	queue_gate(&two.a.rig, &gates[1]);
	rig_idle(&two.a.rig); /* the renewal is queued */
	rig_now_us += 8 * SECOND_US;
	uv_sem_post(&gates[0].open);
	uv_sem_wait(&gates[1].inside);
	rig_idle(&two.a.rig);
	cr_expect(ledger_runs(two.a.rig.ledger, 9500));
	uv_sem_post(&gates[1].open);
	rig_turn_until(&two.a.rig, is_gate_done, &gates[1]);
	close_two(&two);
}

/* ---- a stop ------------------------------------------------------------------------------ */

static bool are_two_queued(struct rig *rig, void *arg)
{
	unsigned waiting;

	(void)arg;
	uv_mutex_lock(&rig->store->lock);
	waiting = rig->store->audited.waiting;
	uv_mutex_unlock(&rig->store->lock);
	return waiting >= 2;
}

/* A renewal and the upkeep of the trees wait for the database. Another worker takes the lease. The
 * stop waits for both, and whoever was to hear of the lease may be gone. */
Test(ledger_lease, that_is_lost_during_a_stop_is_lost_in_silence)
{
	static const struct db_query take = {
		.sql = "UPDATE ledger_leases SET owner = 'worker-2'",
	};
	struct two two;
	struct gate gate;

	open_two(&two, DATABASE_POSTGRES, NULL);
	queue_gate(&two.a.rig, &gate);
	gate.last = &take;
	uv_sem_wait(&gate.inside);
	gate.last = &take; /* read after the gate opens */
	rig_turn_until(&two.a.rig, are_two_queued, NULL);
	ledger_stop(two.a.rig.ledger, on_closed, &two.a);
	uv_sem_post(&gate.open);
	rig_turn_until(&two.a.rig, has_closed, &two.a);
	cr_expect_eq(two.a.stands, 0);
	cr_expect(gate.is_done);
	close_two(&two);
}

/* The upkeep of the trees waits for its turn when another worker takes the lease. */
Test(ledger_lease, that_is_lost_ends_the_upkeep_of_the_trees)
{
	static const struct db_query take = {
		.sql = "UPDATE ledger_leases SET owner = 'another'",
	};
	struct two two;
	struct gate gate;

	open_two(&two, DATABASE_POSTGRES, NULL);
	cr_assert_eq(commit(&two.a, START_MS), 0);
	queue_gate(&two.a.rig, &gate);
	uv_sem_wait(&gate.inside);
	gate.last = &take; /* read after the gate opens */
	rig_turn_until(&two.a.rig, are_two_queued, NULL);
	rig_ask(&two.a.rig, "INSERT INTO audit_waiting (noted_at, audit_id) "
			    "SELECT created_at, id FROM audit_logs");
	uv_sem_post(&gate.open);
	rig_turn_until(&two.a.rig, has_stood_down, &two.a);
	rig_idle(&two.a.rig);
	cr_expect_eq(rig_ask(&two.a.rig, "SELECT count(*) FROM audit_waiting"), 1);
	close_two(&two);
}

/* ---- a holder that froze in a transaction ------------------------------------------------ */

Test(ledger_lease, locked_by_a_frozen_holder_holds_up_no_other_write)
{
	struct two two;
	PGconn *frozen;

	open_two(&two, DATABASE_POSTGRES, NULL);
	expire(&two);
	frozen = PQconnectdb(two.a.rig.database.url);
	PQclear(PQexec(frozen, "BEGIN"));
	PQclear(PQexec(frozen, "SELECT * FROM wrenn_events.ledger_leases FOR UPDATE"));
	rig_idle(&two.b.rig);
	cr_expect_eq(two.b.leads, 0);
	cr_expect_eq(rig_ask(&two.a.rig, "SELECT count(*) FROM pg_stat_activity WHERE datname = "
					 "current_database() AND wait_event_type = 'Lock'"),
		     0, "the second waits");
	PQfinish(frozen);
	rig_turn_until(&two.b.rig, is_leading, &two.b);
	close_two(&two);
}
