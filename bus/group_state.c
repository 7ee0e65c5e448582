/* SPDX-License-Identifier: Apache-2.0 */

/* An error of Redis counts as an unknown state: the stream may not exist yet. */
#include "bus/group_state.h"

#include "bus/group.h"
#include "bus/reply.h"
#include "bus/stream.h"
#include "net/net.h"

static void on_groups(const redisReply *reply, void *owner)
{
	const struct bus_group_query *query = owner;
	const redisReply *group = group_find(reply, query->group);
	const redisReply *lag = reply_find(group, "lag");
	const struct bus_group_state state = {
		.is_known = group != NULL,
		.has_lag = lag && lag->type == REDIS_REPLY_INTEGER,
		.lag = reply_number(lag, 0),
		.pending = reply_number(reply_find(group, "pending"), 0),
	};

	query->on_answer(&state, query->owner);
}

int bus_group_ask(struct redis *redis, struct bus_group_query *query)
{
	return redis_send_text(redis, REPLY_TIMEOUT_MS, on_groups, query, "XINFO", "GROUPS",
			       BUS_STREAM, NULL);
}
