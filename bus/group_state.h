/* SPDX-License-Identifier: Apache-2.0 */

/* Reads from Redis how far the consumer group is, so any process can do it. */
#ifndef BUS_GROUP_STATE_H
#define BUS_GROUP_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"

struct redis;

struct bus_group_state {
	bool is_known;    /* Redis answered, and the group exists */
	bool has_lag;     /* false when the stream was trimmed past the group: then it is unknown */
	uint64_t lag;     /* entries that the group has not read */
	uint64_t pending; /* entries read and not acknowledged */
};

/* One query. Must stay valid until on_answer, which runs once, never from within the call. */
struct bus_group_query {
	const char *group;
	void (*on_answer)(const struct bus_group_state *state, void *owner);
	void *owner;
};

/* 0, or what redis_send() returned; then on_answer is not called. */
int bus_group_ask(struct redis *redis, struct bus_group_query *query) must_check;

#endif
