/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The threads. The writer takes the waiting jobs (at most GROUP_MAX) and commits them as a group;
 * it alone decides whether the database counts as up. The threads of the other lanes (readers and
 * the audited writer) take one job at a time. Those that serve requests run one of a team at a
 * time, so that no team occupies them all.
 *
 * Failing: a thread whose connection is lost tries at once to get another, then with growing
 * pauses. When the writer's try fails the store is AWAY: waiting and new jobs get -ENOTCONN. A
 * thread without a connection leaves jobs to threads of its lane that have one. An idle writer asks
 * the database every PROBE_MS, so that store_is_up() tells the truth in quiet times, too.
 */
#include "store/workers.h"

#include <errno.h>
#include <string.h>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/log.h"
#include "store/engine.h"
#include "store/group.h"

#define PROBE_MS         5000
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS   5000
#define READER_CACHE_KIB "-256" /* negative: KiB */

/* One thread's connection. */
struct contact {
	struct db *db; /* NULL: none */
	struct backoff backoff;
	int64_t next_try_ms; /* monotonic; 0: at once */
	int reported;        /* the last logged failure, so that each is logged once */
};

static struct contact new_contact(void)
{
	return (struct contact){ .backoff = { .first_ms = BACKOFF_FIRST_MS,
					      .max_ms = BACKOFF_MAX_MS } };
}

static void drop_contact(struct contact *contact)
{
	db_close(contact->db);
	contact->db = NULL;
	contact->next_try_ms = 0;
}

static bool is_due(const struct contact *contact)
{
	return clock_mono_ms() >= contact->next_try_ms;
}

/* The outcome of a try to connect. */
static void note_try(struct contact *contact, int rc, const struct reason *why, const char *role)
{
	if (!rc) {
		if (contact->reported)
			log_info("the database is back", log_str("connection", role));
		contact->reported = 0;
		backoff_reset(&contact->backoff);
		return;
	}
	contact->next_try_ms = clock_mono_ms() + backoff_next_ms(&contact->backoff);
	if (contact->reported != rc)
		log_error("the database cannot be reached", log_str("connection", role),
			  log_str("reason", why->text));
	contact->reported = rc;
}

/* ---- shared, with the lock held ------------------------------------------------------------ */

static void answer_all(struct store *store, struct job_lane *lane, int rc)
{
	lane_answer_all(lane, rc, &store->done);
	uv_async_send(&store->async);
}

static void wait_until(struct store *store, struct job_lane *lane, int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - clock_mono_ms();

	if (left_ms > 0)
		(void)uv_cond_timedwait(&lane->wake, &store->lock,
					(uint64_t)left_ms * UINT64_C(1000000));
}

/* True when the thread must end; its lane is empty then. */
static bool must_end(struct store *store, struct job_lane *lane)
{
	if (!store->closing)
		return false;
	if (clock_mono_ms() >= store->close_deadline_ms)
		answer_all(store, lane, -ECANCELED);
	return list_is_empty(&lane->jobs);
}

static void wake_readers(struct store *store)
{
	uv_cond_broadcast(&store->reads.wake);
	uv_cond_broadcast(&store->requests.wake);
	uv_cond_broadcast(&store->audited.wake);
}

static void end_thread(struct store *store)
{
	store->running--;
	wake_readers(store); /* their lane may be empty now, so that they end, too */
	uv_async_send(&store->async);
	uv_mutex_unlock(&store->lock);
}

/* The newest connection leads to the current server. */
static void note_server(struct store *store, const struct contact *contact)
{
	if (store->server != 0 && store->server != contact->db->server)
		log_warn("another database server answers; closing the connections to the old one");
	store->server = contact->db->server;
}

/* After a switchover an old connection may lead to the former primary. */
static bool leads_elsewhere(const struct store *store, const struct contact *contact)
{
	return contact->db->server != store->server;
}

/* ---- the writer --------------------------------------------------------------------------- */

static void set_state(struct store *store, const struct contact *contact, enum store_state state)
{
	uv_mutex_lock(&store->lock);
	if (state == STORE_UP)
		note_server(store, contact);
	atomic_store(&store->state, (int)state);
	if (state == STORE_AWAY)
		answer_all(store, &store->writes, -ENOTCONN);
	wake_readers(store);
	uv_mutex_unlock(&store->lock);
}

static void connect_writer(struct store *store, struct contact *contact)
{
	struct reason why = { .text = "" };
	int rc = db_open_same(store->url, true, store->identity, &contact->db, &why);

	note_try(contact, rc, &why, "writer");
	set_state(store, contact, rc ? STORE_AWAY : STORE_UP);
}

/* In quiet times: checks that the database still answers and accepts writes. */
static bool ask(struct job_lane *lane, struct db *db)
{
	if (!trouble_wants_probe(&lane->trouble))
		return db->engine->is_alive(db);
	if (db->engine->is_usable(db))
		trouble_probe(&lane->trouble, db);
	return !db->is_lost;
}

/* Before work, looks at the connection; in quiet times, asks the database. False: the connection
 * was dropped. */
static bool check_writer(struct store *store, struct contact *contact, bool has_jobs)
{
	struct db *db = contact->db;
	bool good = !leads_elsewhere(store, contact);

	uv_mutex_unlock(&store->lock);
	if (good && has_jobs)
		good = db->engine->is_usable(db);
	else if (good)
		good = ask(&store->writes, db);
	if (!good)
		drop_contact(contact);
	uv_mutex_lock(&store->lock);
	return good;
}

/* Waits for jobs and takes them; returns 0 when something else must be done first. */
static size_t take_group(struct store *store, struct contact *contact, struct store_job **jobs)
{
	struct job_lane *lane = &store->writes;

	if (!contact->db)
		store->probe_wanted = false; /* a new connection is being made already */
	if (list_is_empty(&lane->jobs) && !store->closing && !store->probe_wanted)
		wait_until(store, lane,
			   contact->db ? clock_mono_ms() + PROBE_MS : contact->next_try_ms);
	if (!contact->db)
		return 0;
	store->probe_wanted = false;
	if (!check_writer(store, contact, !list_is_empty(&lane->jobs)))
		return 0;
	return lane_take_group(lane, jobs, GROUP_MAX);
}

static void write_group(struct store *store, struct contact *contact, struct store_job **jobs,
			size_t count)
{
	uv_mutex_unlock(&store->lock);
	trouble_begin(&store->writes.trouble);
	group_run(contact->db, jobs, count);
	trouble_end(&store->writes.trouble, jobs, count);
	if (contact->db->is_lost)
		drop_contact(contact);
	uv_mutex_lock(&store->lock);
	for (size_t i = 0; i < count; i++)
		list_add_tail(&store->done, &jobs[i]->link);
	uv_async_send(&store->async);
}

void worker_write(void *arg)
{
	struct store *store = arg;
	struct contact contact = new_contact();
	struct store_job *jobs[GROUP_MAX];

	uv_mutex_lock(&store->lock);
	while (!must_end(store, &store->writes)) {
		if (!contact.db && is_due(&contact)) {
			uv_mutex_unlock(&store->lock);
			connect_writer(store, &contact);
			uv_mutex_lock(&store->lock);
			continue;
		}
		size_t count = take_group(store, &contact, jobs);
		if (count)
			write_group(store, &contact, jobs, count);
	}
	uv_mutex_unlock(&store->lock);
	db_close(contact.db);
	uv_mutex_lock(&store->lock);
	end_thread(store);
}

/* ---- the other lanes: readers, and the audited writer ------------------------------------ */

/* On SQLite each commit of the writer empties a reader's cache, so that it serves one statement
 * only. The statements of requests read more pages, and some read them twice. */
static void keep_little(const struct store *store, const struct job_lane *lane, struct db *db)
{
	if (!store->is_embedded || lane != &store->reads ||
	    !db_exec(db, "PRAGMA cache_size = " READER_CACHE_KIB))
		return;
	log_warn("a reader keeps its large cache", log_str("fault", db->fault));
	db->engine->discard(db); /* no job is to blame */
}

static void connect_lane(struct store *store, struct job_lane *lane, struct contact *contact)
{
	struct reason why = { .text = "" };
	char identity[DB_IDENTITY_SIZE];

	/* The writer has set the identity: readers connect later. */
	memcpy(identity, store->identity, sizeof(identity));
	uv_mutex_unlock(&store->lock);
	int rc = db_open_same(store->url, lane->is_writing, identity, &contact->db, &why);
	if (!rc)
		keep_little(store, lane, contact->db);
	note_try(contact, rc, &why, lane->is_writing ? "audit writer" : "reader");
	uv_mutex_lock(&store->lock);
	if (!rc) {
		lane->connected++;
		note_server(store, contact);
	}
}

static void lose_connection(struct store *store, struct job_lane *lane, struct contact *contact)
{
	uv_mutex_unlock(&store->lock);
	drop_contact(contact);
	uv_mutex_lock(&store->lock);
	lane->connected--;
	store->probe_wanted = true;
	uv_cond_signal(&store->writes.wake);
}

/* The writer migrates the schema; a reader could only fail before that. */
static bool may_connect(const struct store *store, const struct contact *contact)
{
	return !contact->db && atomic_load(&store->state) == STORE_UP && is_due(contact);
}

static void run_job(struct job_lane *lane, struct db *db, struct store_job *job)
{
	struct store_job *jobs[] = { job };

	if (!lane->is_writing) {
		job_run_reading(db, job);
		return;
	}
	trouble_begin(&lane->trouble);
	job_run_alone(db, job);
	trouble_end(&lane->trouble, jobs, 1);
}

/* Another thread of the lane may take the job while this one looks at its connection. */
static void serve_one(struct store *store, struct job_lane *lane, struct contact *contact)
{
	if (leads_elsewhere(store, contact)) {
		lose_connection(store, lane, contact);
		return;
	}
	uv_mutex_unlock(&store->lock);
	bool usable = contact->db->engine->is_usable(contact->db);
	uv_mutex_lock(&store->lock);
	struct store_job *job = usable ? lane_find_runnable(lane) : NULL;
	if (job) {
		lane_start(lane, job);
		uv_mutex_unlock(&store->lock);
		run_job(lane, contact->db, job);
		uv_mutex_lock(&store->lock);
		lane_end(lane, job);
		if (job->needs_audit_lock)
			lane_note_audit_lock(lane, contact->db->others_hold_audit, &store->done);
		list_add_tail(&store->done, &job->link);
		uv_async_send(&store->async);
	}
	if (contact->db->is_lost)
		lose_connection(store, lane, contact);
}

static void wait_for_job(struct store *store, struct job_lane *lane, const struct contact *contact)
{
	int64_t deadline_ms = INT64_MAX;

	if (!contact->db && atomic_load(&store->state) == STORE_UP)
		deadline_ms = contact->next_try_ms;
	if (contact->db && lane->is_writing)
		deadline_ms = clock_mono_ms() + PROBE_MS;
	if (store->closing && store->close_deadline_ms < deadline_ms)
		deadline_ms = store->close_deadline_ms;
	if (deadline_ms == INT64_MAX)
		uv_cond_wait(&lane->wake, &store->lock);
	else
		wait_until(store, lane, deadline_ms);
}

/* Probes a writing lane without work, because no job would notice that its connection failed. */
static void ask_when_quiet(struct store *store, struct job_lane *lane, struct contact *contact)
{
	if (!lane->is_writing || !contact->db || store->closing || !list_is_empty(&lane->jobs) ||
	    !trouble_wants_probe(&lane->trouble))
		return;
	uv_mutex_unlock(&store->lock);
	bool good = ask(lane, contact->db);
	uv_mutex_lock(&store->lock);
	if (!good)
		lose_connection(store, lane, contact);
	else if (!trouble_text(&lane->trouble))
		lane_note_audit_lock(lane, false, &store->done);
}

static void run_lane(struct store *store, struct job_lane *lane)
{
	struct contact contact = new_contact();

	uv_mutex_lock(&store->lock);
	while (!must_end(store, lane)) {
		bool has_jobs = !list_is_empty(&lane->jobs);

		if (may_connect(store, &contact))
			connect_lane(store, lane, &contact);
		else if (contact.db && lane_find_runnable(lane))
			serve_one(store, lane, &contact);
		else if (has_jobs && lane->connected == 0 &&
			 atomic_load(&store->state) != STORE_STARTING)
			answer_all(store, lane, -ENOTCONN);
		else {
			wait_for_job(store, lane, &contact);
			ask_when_quiet(store, lane, &contact);
		}
	}
	uv_mutex_unlock(&store->lock);
	db_close(contact.db);
	uv_mutex_lock(&store->lock);
	end_thread(store);
}

void worker_read(void *store)
{
	run_lane(store, &((struct store *)store)->reads);
}

void worker_serve(void *store)
{
	run_lane(store, &((struct store *)store)->requests);
}

void worker_audit(void *store)
{
	run_lane(store, &((struct store *)store)->audited);
}
