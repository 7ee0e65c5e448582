/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Entries that come in quick succession wait for each other, so that one read brings several of
 * them. Each read costs a wake-up, system calls and a reply, however little it brings.
 *
 * An entry after a quiet time does not wait. Under a steady load an entry waits as long as one
 * linger takes, at most.
 */
#ifndef BUS_LINGER_H
#define BUS_LINGER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct lingering {
	uv_timer_t timer;
	unsigned ms; /* 0: never */
	uint64_t brought_ms;
	void (*on_over)(void *owner);
	void (*on_closed)(void *owner);
	void *owner;
};

void linger_init(struct lingering *linger, uv_loop_t *loop, unsigned ms,
		 void (*on_over)(void *owner), void *owner);
/* A read brought this many entries. If true, on_over is called when the next read may start. */
bool linger_begins(struct lingering *linger, size_t entries);
void linger_stop(struct lingering *linger);
void linger_close(struct lingering *linger, void (*on_closed)(void *owner));

#endif
