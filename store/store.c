/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The loop's side: takes jobs into the two bounded queues, hands finished ones back, opens and
 * closes.
 *
 * Threads append to `done` and wake the loop; the loop takes the whole list and calls back. While
 * the database is away a new job goes to `done` directly. Closing: the threads empty their queues
 * or the time runs out; the last to end wakes the loop, which joins them and closes the handle.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "core/clock.h"
#include "store/engine.h"
#include "store/url.h"
#include "store/workers.h"

#define DEFAULT_MAX_QUEUED 4096
#define CLOSE_GRACE_MS     5000
#define READERS_MAX        64
#define TEAM_QUEUED_MAX    64 /* jobs of one team, per lane */

#define WATCH_MS           1000

/* ---- jobs ----------------------------------------------------------------------------- */

static bool answers_at_once(const struct store *store, const struct job_lane *lane,
			    struct store_job *job)
{
	if (atomic_load(&store->state) == STORE_AWAY)
		job->rc = -ENOTCONN;
	else if ((lane->is_writing && trouble_is_stuck(&lane->trouble)) ||
		 lane_waits_for_audit(lane, job))
		job->rc = -EBUSY;
	else
		return false;
	return true;
}

static void end_waiting(struct store *store, struct job_lane *lane)
{
	if (!trouble_is_stuck(&lane->trouble))
		return;
	uv_mutex_lock(&store->lock);
	lane_answer_all(lane, -EBUSY, &store->done);
	uv_async_send(&store->async);
	uv_mutex_unlock(&store->lock);
}

static void on_watch(uv_timer_t *timer)
{
	struct store *store = timer->data;

	end_waiting(store, &store->writes);
	end_waiting(store, &store->audited);
}

/* Under the lock. */
static bool is_full(const struct store *store, const struct job_lane *lane,
		    const struct store_job *job)
{
	if (lane->waiting >= store->max_queued)
		return true;
	return (lane->is_by_team || !uuid_is_zero(&job->team)) &&
	       lane->waiting >= TEAM_QUEUED_MAX && lane_count(lane, &job->team) >= TEAM_QUEUED_MAX;
}

static int submit(struct store *store, struct job_lane *lane, struct store_job *job)
{
	int rc = 0;

	uv_mutex_lock(&store->lock);
	if (store->closing)
		rc = -ECANCELED;
	else if (is_full(store, lane, job))
		rc = -ENOBUFS;
	else if (answers_at_once(store, lane, job)) {
		list_add_tail(&store->done, &job->link);
		uv_async_send(&store->async);
	} else {
		lane_add(lane, job);
		/* Wakes all: a reader without a connection would leave the job to others. */
		uv_cond_broadcast(&lane->wake);
	}
	uv_mutex_unlock(&store->lock);
	return rc;
}

int store_write(struct store *store, struct store_job *job)
{
	bool has_own_writer = job->is_audited && !store->is_embedded;

	/* The other writer would wait for audit_logs with everything else. */
	assert(job->is_audited || !job->needs_audit_lock);
	return submit(store, has_own_writer ? &store->audited : &store->writes, job);
}

int store_read(struct store *store, struct store_job *job)
{
	return submit(store, &store->reads, job);
}

int store_read_for_request(struct store *store, struct store_job *job)
{
	return submit(store, &store->requests, job);
}

bool store_is_up(const struct store *store)
{
	return atomic_load(&store->state) == STORE_UP;
}

const char *store_trouble(const struct store *store)
{
	const char *words = trouble_text(&store->writes.trouble);

	if (!store_is_up(store))
		return "it is not reachable";
	return words ? words : trouble_text(&store->audited.trouble);
}

/* ---- closing ----------------------------------------------------------------------------- */

static void free_store(struct store *store)
{
	uv_cond_destroy(&store->requests.wake);
	uv_cond_destroy(&store->reads.wake);
	uv_cond_destroy(&store->audited.wake);
	uv_cond_destroy(&store->writes.wake);
	uv_mutex_destroy(&store->lock);
	free(store->requests.running_teams);
	free(store->threads);
	free(store->url);
	free(store);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct store *store = handle->data;
	void (*on_closed)(void *owner) = store->on_closed;
	void *owner = store->owner;

	if (--store->open_handles > 0)
		return;
	free_store(store);
	if (on_closed)
		on_closed(owner);
}

static void join_threads(struct store *store)
{
	for (unsigned i = 0; i < store->thread_count; i++)
		uv_thread_join(&store->threads[i]);
	store->thread_count = 0;
}

static void on_async(uv_async_t *async)
{
	struct store *store = async->data;
	struct list done;

	list_init(&done);
	uv_mutex_lock(&store->lock);
	list_splice_tail(&done, &store->done);
	bool ended = store->closing && store->running == 0;
	uv_mutex_unlock(&store->lock);

	while (!list_is_empty(&done)) {
		struct store_job *job = list_item(done.next, struct store_job, link);

		list_remove(&job->link);
		job->on_done(job, job->rc); /* the job may be gone after this */
	}
	if (ended && !uv_is_closing((uv_handle_t *)async)) {
		join_threads(store);
		uv_close((uv_handle_t *)async, on_handle_closed);
		uv_close((uv_handle_t *)&store->watch, on_handle_closed);
	}
}

void store_close_within(struct store *store, unsigned grace_ms, void (*on_closed)(void *owner),
			void *owner)
{
	if (!store) {
		if (on_closed)
			on_closed(owner);
		return;
	}
	store->on_closed = on_closed;
	store->owner = owner;
	uv_mutex_lock(&store->lock);
	assert(!store->closing);
	store->closing = true;
	store->close_deadline_ms = clock_mono_ms() + grace_ms;
	uv_cond_broadcast(&store->writes.wake);
	uv_cond_broadcast(&store->reads.wake);
	uv_cond_broadcast(&store->requests.wake);
	uv_cond_broadcast(&store->audited.wake);
	uv_mutex_unlock(&store->lock);
	uv_async_send(&store->async); /* there may be no thread to do it */
}

void store_close(struct store *store, void (*on_closed)(void *owner), void *owner)
{
	store_close_within(store, CLOSE_GRACE_MS, on_closed, owner);
}

/* ---- opening ----------------------------------------------------------------------------- */

static struct store *new_store(const struct store_options *options)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->loop = options->loop;
	store->max_queued = options->max_queued ? options->max_queued : DEFAULT_MAX_QUEUED;
	store->is_embedded = url_is_sqlite(str_of(options->url));
	store->url = strdup(options->url);
	store->threads =
		calloc(2 + options->readers + options->request_readers, sizeof(*store->threads));
	store->requests.is_by_team = true;
	store->requests.running_teams =
		calloc(options->request_readers + 1, sizeof(*store->requests.running_teams));
	trouble_init(&store->writes.trouble,
		     store->is_embedded ? TROUBLE_EVERYWHERE : TROUBLE_BESIDE_AUDIT);
	trouble_init(&store->audited.trouble, TROUBLE_WITH_AUDIT);
	store->writes.is_writing = true;
	store->audited.is_writing = true;
	list_init(&store->done);
	lane_init(&store->writes);
	lane_init(&store->audited);
	lane_init(&store->reads);
	lane_init(&store->requests);
	if (uv_mutex_init(&store->lock))
		abort();
	if (!store->url || !store->threads || !store->requests.running_teams) {
		free_store(store);
		return NULL;
	}
	return store;
}

/* Only the loop handles signals: a thread started here inherits that all are blocked. */
static int start_threads(struct store *store, const struct store_options *options)
{
	const struct {
		uv_thread_cb run;
		unsigned count;
	} kinds[] = {
		{ worker_write, 1 },
		{ worker_audit, store->is_embedded ? 0 : 1 },
		{ worker_read, options->readers },
		{ worker_serve, options->request_readers },
	};
	sigset_t all;
	sigset_t before;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	uv_mutex_lock(&store->lock);
	for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++)
		for (unsigned i = 0; i < kinds[kind].count && !rc; i++) {
			rc = uv_thread_create(&store->threads[store->thread_count], kinds[kind].run,
					      store);
			if (!rc) {
				store->thread_count++;
				store->running++;
			}
		}
	uv_mutex_unlock(&store->lock);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int store_open(const struct store_options *options, struct store **out)
{
	int rc = store_url_check(str_of(options->url), NULL);

	if (rc || options->readers < 1 || options->readers > READERS_MAX ||
	    options->request_readers > READERS_MAX)
		return rc ? rc : -EINVAL;

	struct store *store = new_store(options);
	if (!store)
		return -ENOMEM;
	rc = uv_async_init(store->loop, &store->async, on_async);
	if (rc) {
		free_store(store);
		return rc;
	}
	store->async.data = store;
	uv_timer_init(store->loop, &store->watch);
	store->watch.data = store;
	store->open_handles = 2;
	uv_timer_start(&store->watch, on_watch, WATCH_MS, WATCH_MS);
	uv_unref((uv_handle_t *)&store->watch);
	rc = start_threads(store, options);
	if (rc) {
		store_close_within(store, 0, NULL, NULL);
		return -ENOMEM;
	}
	*out = store;
	return 0;
}
