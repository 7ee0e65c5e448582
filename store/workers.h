/* SPDX-License-Identifier: Apache-2.0 */

/*
 * State that the loop's side (store.c) and the threads (workers.c) of a store share. Everything
 * here is guarded by `lock`, except members marked otherwise.
 */
#ifndef STORE_WORKERS_H
#define STORE_WORKERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/list.h"
#include "store/connect.h"
#include "store/lane.h"
#include "store/store.h"

/*
 *   STARTING --> UP <--> AWAY        STARTING --> AWAY
 *
 * STARTING queues jobs, UP runs them, AWAY answers them at once. Only the writer moves it.
 */
enum store_state { STORE_STARTING, STORE_UP, STORE_AWAY };

struct store {
	char *url; /* constant after store_open() */

	atomic_int state; /* written under the lock, read anywhere */

	uv_mutex_t lock;
	struct job_lane writes;
	struct job_lane audited;  /* writes that the lock of a foreign table may hold up */
	struct job_lane reads;    /* reads of the service itself */
	struct job_lane requests; /* what clients ask for */
	struct list done;         /* jobs whose on_done is due, in that order */
	bool closing;
	int64_t close_deadline_ms; /* monotonic */
	bool probe_wanted;         /* a reader lost its connection: check the database */
	unsigned running;          /* threads */
	/* The server of the newest connection. Another one may take over the same address; then
	 * every connection to the old one is closed. */
	int64_t server;
	/* The identity of the store that the first connection found; empty before. Other stores are
	 * refused. */
	char identity[DB_IDENTITY_SIZE];

	/* store.c, on the loop. The first three are constant after store_open(). */
	uv_loop_t *loop;
	unsigned max_queued;
	bool is_embedded;
	uv_async_t async;
	uv_timer_t watch; /* answers what waits while a write is stuck */
	unsigned open_handles;
	uv_thread_t *threads; /* the writer first */
	unsigned thread_count;
	void (*on_closed)(void *owner);
	void *owner;
};

void worker_write(void *store);
void worker_read(void *store);
void worker_serve(void *store); /* the requests */
void worker_audit(void *store); /* the audited writes; not on SQLite, which has one writer */

/* store_close() with another limit than its 5 s. */
void store_close_within(struct store *store, unsigned grace_ms, void (*on_closed)(void *owner),
			void *owner);

#endif
