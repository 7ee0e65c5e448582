/* SPDX-License-Identifier: Apache-2.0 */

/* Warns once when the lag becomes high, and says once when it is gone. */
#include "bus/lag.h"

#include "bus/counters.h"
#include "bus/group.h"
#include "bus/reply.h"
#include "bus/stream.h"
#include "core/log.h"
#include "net/net.h"

#define LAG_ALARM 5000

static void on_groups(const redisReply *reply, void *owner)
{
	struct lag *lag = owner;

	if (reply)
		lag->on_sampled(group_find(reply, lag->step.group), lag->step.owner);
}

void lag_sample(struct lag *lag)
{
	reply_check_sent(lag->step.redis,
			 redis_send_text(lag->step.redis, REPLY_TIMEOUT_MS, on_groups, lag, "XINFO",
					 "GROUPS", BUS_STREAM, NULL));
}

static void judge(struct lag *lag, uint64_t entries)
{
	bool is_high = entries > LAG_ALARM;

	if (is_high && !lag->is_high)
		log_warn("the consumer group lags behind; the stream may be trimmed before it is "
			 "read",
			 log_int("entries", (int64_t)entries));
	else if (!is_high && lag->is_high)
		log_info("the consumer group has caught up", log_int("entries", (int64_t)entries));
	lag->is_high = is_high;
	metric_set(bus_counters.lag, (int64_t)entries);
}

void lag_show(struct lag *lag, const redisReply *group)
{
	const redisReply *entries = reply_find(group, "lag");

	metric_set(bus_counters.pending, (int64_t)reply_number(reply_find(group, "pending"), 0));
	/* After a trimmed gap or a set-back, Redis does not know the lag until the group has caught
	 * up. */
	if (entries && entries->type == REDIS_REPLY_INTEGER)
		judge(lag, reply_number(entries, 0));
}

void lag_hide(void)
{
	metric_set(bus_counters.lag, 0);
	metric_set(bus_counters.pending, 0);
}
