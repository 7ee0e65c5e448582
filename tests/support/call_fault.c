/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/call_fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "net/redis_commands.h"
#include "store/db.h"
#include "store/store.h"

/* The linker's names. The real functions are weak, because tests of lower folders lack them. */
#define WEAK __attribute__((weak))
WEAK int __real_store_write(struct store *store, struct store_job *job);
WEAK int __real_store_read(struct store *store, struct store_job *job);
WEAK int __real_redis_commands_send(struct redis_commands *commands, unsigned timeout_ms,
				    redis_reply_fn on_reply, void *owner, int argc,
				    const struct str *argv);
WEAK int __real_db_run(struct db *db, const struct db_query *query, const struct db_value *values,
		       size_t count, db_row_fn on_row, void *arg, int64_t *changed);
WEAK int __real_db_run_now(struct db *db, const struct db_query *query,
			   const struct db_value *values, size_t count, db_row_fn on_row, void *arg,
			   int64_t *changed);
int __wrap_db_run(struct db *db, const struct db_query *query, const struct db_value *values,
		  size_t count, db_row_fn on_row, void *arg, int64_t *changed);
int __wrap_db_run_now(struct db *db, const struct db_query *query, const struct db_value *values,
		      size_t count, db_row_fn on_row, void *arg, int64_t *changed);
int __wrap_store_write(struct store *store, struct store_job *job);
int __wrap_store_read(struct store *store, struct store_job *job);
int __wrap_redis_commands_send(struct redis_commands *commands, unsigned timeout_ms,
			       redis_reply_fn on_reply, void *owner, int argc,
			       const struct str *argv);

/* Statements run on the store's threads. */
static _Atomic enum faulty_call failing;
static atomic_long left;
static pthread_t tester;

#define MAX_HELD 64
static bool is_holding;
static struct store *held_store;
static struct store_job *held[MAX_HELD];
static size_t held_count;

static bool fails(enum faulty_call call)
{
	if (atomic_load(&failing) != call || atomic_fetch_sub(&left, 1) != 0)
		return false;
	atomic_store(&failing, FAULT_NONE);
	return true;
}

/* The test's own statements run on its thread. */
static bool statement_fails(void)
{
	return atomic_load(&failing) == FAULT_STATEMENT && !pthread_equal(pthread_self(), tester) &&
	       fails(FAULT_STATEMENT);
}

int __wrap_db_run(struct db *db, const struct db_query *query, const struct db_value *values,
		  size_t count, db_row_fn on_row, void *arg, int64_t *changed)
{
	return statement_fails() ? -EBUSY
				 : __real_db_run(db, query, values, count, on_row, arg, changed);
}

int __wrap_db_run_now(struct db *db, const struct db_query *query, const struct db_value *values,
		      size_t count, db_row_fn on_row, void *arg, int64_t *changed)
{
	return statement_fails()
		       ? -EBUSY
		       : __real_db_run_now(db, query, values, count, on_row, arg, changed);
}

int __wrap_store_write(struct store *store, struct store_job *job)
{
	if (fails(FAULT_STORE) || (is_holding && held_count == MAX_HELD))
		return -ENOBUFS;
	if (!is_holding)
		return __real_store_write(store, job);
	held_store = store;
	held[held_count++] = job;
	return 0;
}

void call_hold_writes(void)
{
	is_holding = true;
}

void call_release_writes(void)
{
	is_holding = false;
	for (size_t i = 0; i < held_count; i++) {
		if (__real_store_write(held_store, held[i]) < 0)
			abort();
	}
	held_count = 0;
}

int __wrap_store_read(struct store *store, struct store_job *job)
{
	return fails(FAULT_STORE) ? -ENOBUFS : __real_store_read(store, job);
}

int __wrap_redis_commands_send(struct redis_commands *commands, unsigned timeout_ms,
			       redis_reply_fn on_reply, void *owner, int argc,
			       const struct str *argv)
{
	return fails(FAULT_REDIS) ? -ENOMEM
				  : __real_redis_commands_send(commands, timeout_ms, on_reply,
							       owner, argc, argv);
}

void call_fail_after(enum faulty_call call, unsigned count)
{
	tester = pthread_self();
	atomic_store(&left, (long)count);
	atomic_store(&failing, call);
}

bool call_recover(void)
{
	return atomic_exchange(&failing, FAULT_NONE) == FAULT_NONE;
}
