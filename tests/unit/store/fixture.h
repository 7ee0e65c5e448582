/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fresh databases and jobs for the tests of the store. TEST_BOTH(suite, name) defines a test that
 * runs once on each engine, with `database` a fresh migrated one.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <uv.h>

#include "core/buf.h"
#include "core/clock.h"
#include "store/connect.h"
#include "store/engine.h"
#include "store/workers.h"
#include "tests/support/databases.h"
#include "tests/support/patience.h"

#define TEST_BOTH(suite, name)                                               \
	static void suite##_##name(const struct database *database);         \
	Test(suite, name##_on_sqlite)                                        \
	{                                                                    \
		struct database database = database_make(DATABASE_SQLITE);   \
		suite##_##name(&database);                                   \
	}                                                                    \
	Test(suite, name##_on_postgres)                                      \
	{                                                                    \
		struct database database = database_make(DATABASE_POSTGRES); \
		suite##_##name(&database);                                   \
	}                                                                    \
	static void suite##_##name(const struct database *database)

/* Runs one function on a fresh blocking connection, in a transaction. */
struct script {
	struct store_job job;
	int (*run)(struct db *db, void *arg);
	void *arg;
};

static inline int script_run(struct db *db, struct store_job *job)
{
	struct script *script = container_of(job, struct script, job);

	return script->run(db, script->arg);
}

static inline int run_script(const struct database *database, int (*run)(struct db *db, void *arg),
			     void *arg)
{
	struct script script = { .job.run = script_run, .run = run, .arg = arg };

	return store_run_blocking(database->url, &script.job, NULL);
}

/* Turns the loop until *flag, or fails the test. */
static inline void loop_until(uv_loop_t *loop, const bool *flag)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

	while (!*flag) {
		cr_assert(clock_mono_ms() < deadline_ms, "waited too long");
		uv_run(loop, UV_RUN_NOWAIT);
		sched_yield(); /* leaves the others a processor */
	}
}

static inline void set_flag(void *flag)
{
	*(bool *)flag = true;
}

struct fixture {
	uv_loop_t loop;
	struct store *store;
};

static inline void fixture_open(struct fixture *fixture, const char *url, unsigned readers,
				unsigned max_queued)
{
	cr_assert_eq(uv_loop_init(&fixture->loop), 0);
	const struct store_options options = { .loop = &fixture->loop,
					       .url = url,
					       .readers = readers,
					       .request_readers = 2,
					       .max_queued = max_queued };
	cr_assert_eq(store_open(&options, &fixture->store), 0);
}

static inline void fixture_close(struct fixture *fixture)
{
	bool closed = false;

	store_close(fixture->store, set_flag, &closed);
	loop_until(&fixture->loop, &closed);
	cr_assert_eq(uv_loop_close(&fixture->loop), 0, "a handle was left open");
}

static inline void wait_for_state(struct fixture *fixture, bool up)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

	while (store_is_up(fixture->store) != up) {
		cr_assert(clock_mono_ms() < deadline_ms, "the store is not %s", up ? "up" : "away");
		uv_run(&fixture->loop, UV_RUN_NOWAIT);
		sched_yield();
	}
}

#endif
