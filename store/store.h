/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The database: SQLite (embedded) or PostgreSQL (shared), chosen by URL. Both have one interface.
 * Other modules own their statements; this folder owns the engines, the threads, the schema and
 * the migrations.
 *
 * Work is done by jobs. A write job runs on the writer thread, which takes all waiting jobs and
 * commits them as one transaction (group commit). When one of them fails, the group is rolled back,
 * and the failed job and its neighbours run again in separate transactions. On PostgreSQL, jobs
 * that are audited (store/job.h) have a second thread with its own connection, which commits each
 * job alone. So two writes run in the order of store_write() only if both are audited, or neither
 * is. A read job runs on one of the reader threads with a connection of its own, which cannot
 * write, outside any transaction, and sees everything committed before it began.
 *
 * So a job's function may run more than once, must start by resetting its own results, and must
 * depend on nothing but its own struct.
 *
 * It promises that on_done is called exactly once, on the loop, and that a job which got 0 is
 * committed. When the database goes away, jobs fail at once with -ENOTCONN and the threads try to
 * reach it again, with growing pauses, until it is back.
 *
 * Where it is decided:
 *
 * Jobs
 *   store.c              is a job accepted? How many may wait: of all, of a team (64)? How long
 *                        does a stop wait?
 *   lane.c               which job is next; how many teams share a transaction (4); which are
 *                        refused at once because others wait for a lock on audit_logs
 *   group.c              which jobs run again when one fails; does a commit wait for the disk?
 *   workers.c            is the database up? When is it tried again (100 ms to 5 s)?
 *   trouble.c            do writes succeed? Is one stuck (10 s)? When is a probe made?
 *   blocking.c           what the command line may do without the threads
 *
 * Opening
 *   url.c                which URL is valid, and for which engine; which parameters are ignored
 *   connect.c            is it still the store that this service began with?
 *   migrate.c            which steps the schema lacks, and who runs them; rights that are missing
 *   sqlite_file.c        is a file made, opened or refused? (one that has vanished is not made)
 *   postgres_connect.c   how long a connect may take; session settings; no standby
 *   postgres_server.c    is a pooler in between, and may it be used?
 *   copy.c               when a backup is complete, and that it replaces nothing
 *
 * Statements
 *   sqlite.c             what an error of SQLite means; how long a reader's statement may run
 *   postgres_fault.c     ... and one of PostgreSQL: the value, the moment, or the connection
 *   postgres.c           is an idle connection still usable?
 *   postgres_pipeline.c  how much is sent before an answer is read, and how long that may take
 *   values.c             which values both engines refuse (NUL in text, years)
 *   rows.c               what a value of the wrong form reads as
 *
 * Helpers: schema.c (the steps, embedded), db.c (one failure sticks), queries.c (prepared
 * statements).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/str.h"
#include "store/blocking.h"
#include "store/copy.h"
#include "store/db.h"
#include "store/job.h"
#include "store/rows.h"
#include "store/url.h"
#include "store/values.h"

struct store;

struct store_options {
	uv_loop_t *loop;
	const char *url;          /* sqlite:<path> or postgres://... (postgresql://...) */
	unsigned readers;         /* threads for store_read(), 1 to 64 */
	unsigned request_readers; /* for store_read_for_request(), 0 (when it is not used) to 64 */
	unsigned max_queued;      /* jobs waiting per queue; 0 means 4096 */
};

/* Starts the threads. Does not wait for the database. 0, -EINVAL, -ENOMEM. */
int store_open(const struct store_options *options, struct store **out) must_check;

/* Runs what is queued for at most 5 s, answers the rest with -ECANCELED, joins the threads.
 * Accepts NULL, and then calls on_closed (may be NULL) at once. */
void store_close(struct store *store, void (*on_closed)(void *owner), void *owner);

/* on_done will be called, never from within; for a write with -EBUSY while the write before it has
 * been stuck for 10 s, as on a frozen file system. 0, or (and on_done will not be called)
 * -ENOBUFS when the queue is full and -ECANCELED after store_close(). */
int store_write(struct store *store, struct store_job *job) must_check;
int store_read(struct store *store, struct store_job *job) must_check;

/* A read that a client asked for: threads of their own serve these, one of a team at a time, so
 * that neither the service's own reads nor another team wait for them. -ENOBUFS also when 64 of the
 * team wait already. */
int store_read_for_request(struct store *store, struct store_job *job) must_check;

/* True when the last contact succeeded; any thread. */
bool store_is_up(const struct store *store);

/* NULL while writes succeed; otherwise a few words about the obstacle. Any thread. It goes by the
 * last write, and by one that is stuck. After 15 s without a write, or after a failed one, the
 * store makes a write that changes nothing. */
const char *store_trouble(const struct store *store);

#endif
