/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Many waits of the same length on one timer. Because the length is the same, the list stays
 * ordered by itself: starting, restarting and stopping a wait cost two pointer writes, and ten
 * thousand idle connections cost one timer.
 */
#ifndef NET_DEADLINES_H
#define NET_DEADLINES_H

#include <stdbool.h>
#include <uv.h>

#include "core/list.h"

struct deadline {
	struct list link; /* list_init() before first use; deadline_init() does it */
	uint64_t due_ms;  /* on the loop's clock */
};

struct deadlines {
	struct list waiting; /* ordered by due_ms */
	uv_timer_t timer;
	uint64_t length_ms;
	void (*on_due)(struct deadline *deadline, void *owner); /* no longer waiting when called */
	void *owner;
	void (*on_closed)(struct deadlines *deadlines);
};

/* length_ms at least 1. The callback may start, stop and free any deadline. */
void deadlines_init(struct deadlines *all, uv_loop_t *loop, uint64_t length_ms,
		    void (*on_due)(struct deadline *deadline, void *owner), void *owner);

/* Forgets all waits. The memory may be freed once on_closed (may be NULL) has been called. */
void deadlines_close(struct deadlines *all, void (*on_closed)(struct deadlines *all));

static inline void deadline_init(struct deadline *deadline)
{
	list_init(&deadline->link);
	deadline->due_ms = 0;
}

/* Starts a wait from now on; restarts a running one. */
void deadline_start(struct deadlines *all, struct deadline *deadline);
void deadline_stop(struct deadline *deadline); /* safe when it does not wait */

static inline bool deadline_is_waiting(const struct deadline *deadline)
{
	return !list_is_empty(&deadline->link);
}

#endif
