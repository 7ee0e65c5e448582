/* SPDX-License-Identifier: Apache-2.0 */

/* Jobs for the tests: one that inserts, one that counts, and a gate that holds the writer. */
#ifndef TESTS_STORE_JOBS_H
#define TESTS_STORE_JOBS_H

#include "fixture.h"

/* The order in which on_done was called, over all jobs of a test. */
struct journal {
	int order[1024];
	int count;
};

struct entry {
	struct store_job job;
	struct journal *journal;
	int number;
	int runs;
	bool done;
	int rc;
	/* How to misbehave. */
	bool twice;   /* insert the same row twice: -EEXIST */
	bool swallow; /* ... and return 0 all the same */
	int refuse;   /* insert, then return this */
	bool put_off; /* do not flush */
	int64_t changed;
};

static const struct db_query insert_position = {
	.sql = "INSERT INTO positions (group_name, last_id, last_ms, last_seq, updated_at) "
	       "VALUES ($1, '0-0', $2, 0, $3)",
};
static const struct db_query count_positions = { .sql = "SELECT count(*) FROM positions" };

static inline int insert_number(struct db *db, int64_t number, bool put_off, int64_t *changed)
{
	char name[32];

	snprintf(name, sizeof(name), "g%lld", (long long)number);
	const struct db_value values[] = { db_text(str_of(name)), db_int(number), db_time(number) };
	if (put_off)
		return db_run(db, &insert_position, values, ARRAY_LEN(values), NULL, NULL, changed);
	return db_run_now(db, &insert_position, values, ARRAY_LEN(values), NULL, NULL, changed);
}

static inline int entry_run(struct db *db, struct store_job *job)
{
	struct entry *entry = container_of(job, struct entry, job);

	entry->runs++;
	int rc = insert_number(db, entry->number, entry->put_off, &entry->changed);
	if (!rc && entry->twice)
		rc = insert_number(db, entry->number, entry->put_off, NULL);
	if (entry->swallow)
		return 0;
	return rc ? rc : entry->refuse;
}

static inline void entry_done(struct store_job *job, int rc)
{
	struct entry *entry = container_of(job, struct entry, job);

	cr_expect_not(entry->done, "on_done called twice");
	entry->done = true;
	entry->rc = rc;
	if (entry->journal)
		entry->journal->order[entry->journal->count++] = entry->number;
}

static inline void entry_init(struct entry *entry, struct journal *journal, int number)
{
	*entry = (struct entry){ .job = { .run = entry_run, .on_done = entry_done },
				 .journal = journal,
				 .number = number };
}

/* ---- the gate: the writer or a reader waits in its run() until it is opened -------------------
 */

struct gate {
	struct store_job job;
	uv_sem_t inside;
	uv_sem_t open;
	bool done;
	int rc;
};

static inline int gate_run(struct db *db, struct store_job *job)
{
	struct gate *gate = container_of(job, struct gate, job);

	(void)db;
	uv_sem_post(&gate->inside);
	uv_sem_wait(&gate->open);
	return 0;
}

static inline void gate_done(struct store_job *job, int rc)
{
	struct gate *gate = container_of(job, struct gate, job);

	gate->done = true;
	gate->rc = rc;
}

static inline void gate_init(struct gate *gate)
{
	*gate = (struct gate){ .job = { .run = gate_run, .on_done = gate_done } };
	uv_sem_init(&gate->inside, 0);
	uv_sem_init(&gate->open, 0);
}

static inline void gate_destroy(struct gate *gate)
{
	uv_sem_destroy(&gate->inside);
	uv_sem_destroy(&gate->open);
}

/* ---- counting with a read job -------------------------------------------------------------- */

struct count {
	struct store_job job;
	int64_t count;
	bool done;
	int rc;
};

static inline int take_count(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static inline int count_run(struct db *db, struct store_job *job)
{
	struct count *count = container_of(job, struct count, job);

	/* Not flushed: the store has to do that. */
	return db_run(db, &count_positions, NULL, 0, take_count, &count->count, NULL);
}

static inline void count_done(struct store_job *job, int rc)
{
	struct count *count = container_of(job, struct count, job);

	count->done = true;
	count->rc = rc;
}

static inline int64_t count_rows(struct fixture *fixture)
{
	struct count count = { .job = { .run = count_run, .on_done = count_done }, .count = -1 };

	cr_assert_eq(store_read(fixture->store, &count.job), 0);
	loop_until(&fixture->loop, &count.done);
	cr_assert_eq(count.rc, 0, "%d", count.rc);
	return count.count;
}

#endif
