/* SPDX-License-Identifier: Apache-2.0 */

/* Where the ledger is: as the fence sees it after a wait, and after each event of a batch that is
 * committed event by event. */
#include <libpq-fe.h>

#include "core/clock.h"
#include "core/log_limit.h"
#include "ledger/fence.h"
#include "tests/support/clock_by_hand.h"
#include "tests/support/patience.h"
#include "tests/support/recorded_log.h"
#include "tests/support/rig.h"

#define WELL ",\"outcome\":\"success\""

/* ---- the fence ------------------------------------------------------------------------------- */

struct lookup {
	struct store_job job;
	const struct database *database;
	struct fence fence;
	int rc;
};

static int run_lookup(struct db *db, struct store_job *job)
{
	struct lookup *lookup = container_of(job, struct lookup, job);
	int rc = fence_ask(db, "g", "us", &lookup->fence);

	return rc < 0 ? rc : db_flush(db);
}

static void ask(void *arg)
{
	struct lookup *lookup = arg;

	lookup->rc = store_run_blocking(lookup->database->url, &lookup->job, NULL);
}

static void execute(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);
	ExecStatusType status = PQresultStatus(result);

	cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s",
		  PQerrorMessage(connection));
	PQclear(result);
}

static void wait_for_a_waiter(const struct database *database)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

	while (database_ask(database, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0)
		cr_assert_lt(clock_mono_ms(), deadline_ms, "nobody waits for the lease");
}

/* Another worker commits a batch in the transaction that the fence waits for. */
Test(fence, sees_what_was_committed_while_it_waited_for_the_lease)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct lookup lookup = { .job.run = run_lookup, .database = &database };
	PGconn *other = PQconnectdb(database.url);
	uv_thread_t thread;

	execute(other, "INSERT INTO wrenn_events.ledger_leases (group_name, owner, expires_at) "
		       "VALUES ('g', 'us', now())");
	execute(other, "INSERT INTO wrenn_events.positions (group_name, last_id, last_ms, "
		       "last_seq, updated_at) VALUES ('g', '1-0', 1, 0, now())");
	execute(other, "BEGIN");
	execute(other, "UPDATE wrenn_events.ledger_leases SET expires_at = now()");
	execute(other, "UPDATE wrenn_events.positions SET last_id = '2-0', last_ms = 2");
	cr_assert_eq(uv_thread_create(&thread, ask, &lookup), 0);
	wait_for_a_waiter(&database);
	execute(other, "COMMIT");
	uv_thread_join(&thread);
	PQfinish(other);

	cr_expect_eq(lookup.rc, 0, "%d", lookup.rc);
	cr_expect(lookup.fence.is_ours);
	cr_expect(lookup.fence.stored.is_known);
	cr_expect_eq(lookup.fence.stored.last.ms, 2, "it is what was there before the wait");
}

/* ---- event by event -------------------------------------------------------------------------- */

/* Each audit row notes where the ledger was; one kind is refused. */
static void note_positions(struct rig *rig)
{
	rig_ask(rig, "CREATE TABLE was_at (last_ms bigint)");
	if (strncmp(rig->database.url, "sqlite", 6) == 0) {
		rig_ask(rig, "CREATE TRIGGER note BEFORE INSERT ON audit_logs BEGIN "
			     "INSERT INTO was_at SELECT last_ms FROM positions; "
			     "INSERT INTO teams (id, name, slug) SELECT NEW.team_id, 'x', 'x' "
			     "WHERE NEW.action = 'resume'; END");
		return;
	}
	rig_ask(rig, "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
		     "INSERT INTO was_at SELECT last_ms FROM positions; "
		     "IF NEW.action = ''resume'' THEN RAISE unique_violation; END IF; "
		     "RETURN NEW; END'");
	rig_ask(rig, "CREATE TRIGGER note BEFORE INSERT ON audit_logs FOR EACH ROW "
		     "EXECUTE FUNCTION note()");
}

static void move_with_each_event(struct rig *rig)
{
	enum { EVENTS = 5, CULPRIT = 2 };
	struct event *events[EVENTS];

	note_positions(rig);
	for (int i = 0; i < EVENTS; i++)
		events[i] = rig_event(i == CULPRIT ? "capsule.resume" : "capsule.pause", USER, WELL,
				      START_MS + i);
	cr_assert_eq(rig_commit(rig, events, EVENTS), 0);
	cr_expect_gt(strlen(rig_rejected(CULPRIT).text), 0);
	/* Each saw the one before it; the culprit moved nothing. */
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM was_at"), EVENTS - 2);
	for (int i = 0; i < EVENTS - 1; i++)
		cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM was_at WHERE last_ms = %lld",
				     (long long)(START_MS + i)),
			     i != CULPRIT, "after event %d", i);
	cr_expect_eq(rig_ask(rig, "SELECT max(last_ms) FROM positions"), START_MS + EVENTS - 1);
}

Test(ledger, moves_on_with_each_event_of_a_batch_that_is_refused_as_a_whole)
{
	ON_BOTH_STORES(&(struct rig_options){ .max_inflight = 0 }, move_with_each_event);
}

Test(ledger, tells_of_refused_batches_in_a_few_lines)
{
	FILE *log = record_log();
	struct rig rig;

	clock_hold(); /* all in one minute */
	rig_open(&rig, DATABASE_SQLITE, &(struct rig_options){ .max_inflight = 0 });
	note_positions(&rig);
	for (int i = 0; i < LOG_LIMIT_LINES + 5; i++) {
		struct event *event = rig_event("capsule.resume", USER, WELL, START_MS + i);

		cr_assert_eq(rig_commit(&rig, &event, 1), 0);
		cr_expect_gt(strlen(rig_rejected(0).text), 0);
	}
	cr_expect_eq(count_lines(log, "the store refused a batch"), LOG_LIMIT_LINES);
	rig_close(&rig);
}
