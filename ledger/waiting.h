/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rows of the trail that other workers wrote: changes of owners, disabled channels. They wait
 * in `audit_waiting` until the holder of the lease makes leaves of them.
 */
#ifndef LEDGER_WAITING_H
#define LEDGER_WAITING_H

#include <stdbool.h>
#include <stddef.h>

#include "core/attributes.h"
#include "ledger/trees.h"
#include "store/store.h"

#define WAITING_MAX 100 /* rows that one call takes */

struct waiting {
	struct trees trees;
	char *texts[WAITING_MAX]; /* of each row */
	struct waiting_key {
		struct uuid id;
		struct uuid team;
		int64_t noted_us;
	} keys[WAITING_MAX];
	struct waiting_key from; /* the call starts after it; zero: from the oldest row */
	struct waiting_key next; /* `from` of the next call, once this one is committed */
	size_t count;            /* rows taken by the last call */
};

/* 0 or -ENOMEM; waiting_done() is needed after both. */
int waiting_init(struct waiting *waiting) must_check;
void waiting_done(struct waiting *waiting);

/* For a job under the fence: takes the oldest rows. Rows of a damaged tree go on waiting, and the
 * next call skips them; a call that takes fewer than WAITING_MAX ends at the newest. Flushes. */
int waiting_take(struct waiting *waiting, struct db *db) must_check;
/* The job has ended with rc. */
void waiting_taken(struct waiting *waiting, int rc);

#endif
