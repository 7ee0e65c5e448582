/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tracks whether writes succeed. The writer thread reports the result of each group of jobs. If it
 * has written nothing for a while, or the last write failed, it runs a probe write. Any thread may
 * read the state.
 */
#ifndef STORE_TROUBLE_H
#define STORE_TROUBLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct store_job;

/* The tables of a probe: audit_logs has its own writer on PostgreSQL. */
enum trouble_scope { TROUBLE_EVERYWHERE, TROUBLE_WITH_AUDIT, TROUBLE_BESIDE_AUDIT };

struct trouble {
	enum trouble_scope scope;
	atomic_llong began_ms; /* monotonic; when the write under way began, 0: none is */
	atomic_int rc;    /* why the last write failed; 0: it did not, or its values were bad */
	int64_t tried_ms; /* monotonic, the writer's own: when the last write ended */
	int64_t stuck_ms; /* a write that takes longer is stuck */
};

void trouble_init(struct trouble *trouble, enum trouble_scope scope);

/* Around every write, on the writer's thread. */
void trouble_begin(struct trouble *trouble);
void trouble_end(struct trouble *trouble, struct store_job *const *jobs, size_t count);

/* No write for a while, or the last one failed: time for trouble_probe(). The writer's thread. */
bool trouble_wants_probe(const struct trouble *trouble);

/* A write that changes nothing, in the tables of the scope. */
void trouble_probe(struct trouble *trouble, struct db *db);

/* Any thread. */
bool trouble_is_writing(const struct trouble *trouble);

/* A write has been under way for too long. Any thread. */
bool trouble_is_stuck(const struct trouble *trouble);

/* NULL, or a few words about the obstacle to writes. Any thread. */
const char *trouble_text(const struct trouble *trouble);

#endif
