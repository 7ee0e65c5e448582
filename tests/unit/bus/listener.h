/* SPDX-License-Identifier: Apache-2.0 */

/* Listens to the tail, and checks that its callbacks make sense together. */
#ifndef TESTS_UNIT_BUS_LISTENER_H
#define TESTS_UNIT_BUS_LISTENER_H

#include "tests/unit/bus/bus_fixture.h"

struct listener {
	struct world *world;
	struct bus_tail *tail;
	int starts;
	struct stream_id start;
	int count; /* of events */
	int last;  /* number of the last one */
	int repeats_or_jumps;
	int gaps;
	int count_at_gap;
	struct stream_id from;
	struct stream_id head;
	int servers;
	int other_histories;
	int ups;
	int downs;
	int want;
	struct stream_id until;         /* for has_head() */
	int trim_after;                 /* cut the connection after this many events; 0: never */
	void (*at_up)(struct world *w); /* runs between edges and first read; or NULL */
};

void listen_in(struct listener *l, struct world *w);
void listen_lingering(struct listener *l, struct world *w, unsigned linger_ms);
/* The same, and it has started. */
void start_listening(struct listener *l, struct world *w);
/* Opens the world, starts, and has seen 0..count-1. */
void listen_after(struct listener *l, struct world *w, int count);
/* Closes the world as well. */
void stop_listening(struct listener *l);

/* Runs the loop until the condition, with l->want set to `want`, holds. */
void listener_await(struct listener *l, bool (*condition)(void *), int want, const char *what);
bool is_started(void *owner);
bool is_down(void *owner);
bool has_events(void *owner);
bool has_gap(void *owner);
bool has_head(void *owner); /* has read up to `until` */

#endif
