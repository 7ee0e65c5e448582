/* SPDX-License-Identifier: Apache-2.0 */

/* What the tests of bus/ share: a loop, a Redis of their own, and events to put into it. */
#ifndef TESTS_UNIT_BUS_FIXTURE_H
#define TESTS_UNIT_BUS_FIXTURE_H

#include <criterion/criterion.h>

#include "bus/bus.h"
#include "tests/support/redis_server.h"

#define TEST_TEAM    "team-0x5yg3bfyrehlas5fmd3rslxq"
#define TEST_CAPSULE "cl-6dfzh5ik5uxynzmlf5cshamdk"
#define ZERO_CAPSULE "cl-0000000000000000000000000"

struct world {
	uv_loop_t loop;
	struct redis_server server;
	struct redis_address address;
	int closed;
};

void world_open(struct world *w);
/* Only a loop and an address, without a server. */
void world_open_at(struct world *w, const char *socket);
/* Runs the loop until nothing is left on it. A handle that is still open fails the test. */
void world_close(struct world *w);
void world_on_closed(void *owner); /* `owner` is the world */

/* An event of this kind about this capsule, numbered in its metadata. */
void event_text(char out[512], const char *kind, const char *capsule, int number);
/* Adds capsule.pause events numbered from..to-1 to the stream. */
void world_add(struct world *w, int from, int to);
void world_add_event(struct world *w, const char *kind, const char *capsule, int number);
void world_add_payload(struct world *w, const char *payload);

/* The number in the metadata, or -1. */
int event_number(const struct event *event);

/* Cuts every connection except our control connection, as a network would. */
void world_cut_connections(struct world *w);

#endif
