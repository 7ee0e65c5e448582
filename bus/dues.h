/* SPDX-License-Identifier: Apache-2.0 */

/* A few times on one timer, each identified by a small number. Private to bus/. */
#ifndef BUS_DUES_H
#define BUS_DUES_H

#include <stdint.h>
#include <uv.h>

#define DUES_MAX 8

struct dues {
	uv_timer_t timer;
	uint64_t at_ms[DUES_MAX]; /* on the loop's clock; 0: not set */
	void (*on_due)(int which, void *owner);
	void (*on_closed)(void *owner);
	void *owner;
};

void dues_init(struct dues *dues, uv_loop_t *loop, void (*on_due)(int which, void *owner),
	       void *owner);

/* Calls on_due(which) once, after that time. Replaces an earlier time of the same number. */
void dues_set(struct dues *dues, int which, uint64_t after_ms);
void dues_clear(struct dues *dues); /* all of them */

/* on_due is no longer called. The memory may be freed once on_closed has been called. */
void dues_close(struct dues *dues, void (*on_closed)(void *owner));

#endif
