/* SPDX-License-Identifier: Apache-2.0 */

#include "bus/moment.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/range.h"
#include "bus/reply.h"
#include "bus/stream.h"
#include "net/net.h"

static void answer(const struct bus_moment_query *query, const struct bus_moment *moment)
{
	query->on_answer(moment, query->owner);
}

static void on_edges(const struct bus_edges *edges, void *owner)
{
	const struct bus_moment_query *query = owner;
	const struct bus_moment moment = {
		.is_known = edges->rc == 0,
		.now_ms = query->now_ms,
		.newest = edges->readable,
	};

	answer(query, &moment);
}

/* An array of two texts: seconds and microseconds. */
static void on_time(const redisReply *reply, void *owner)
{
	bool is_refused = reply && reply->type == REDIS_REPLY_ERROR;
	const struct bus_moment unknown = { .fault = is_refused ? reply->str : NULL };
	struct bus_moment_query *query = owner;
	struct str seconds = reply_text(reply_element(reply, 0));
	struct str micros = reply_text(reply_element(reply, 1));

	if (!seconds.at || !micros.at) {
		answer(query, &unknown);
		return;
	}
	query->now_ms = strtoll(seconds.at, NULL, 10) * 1000 + strtoll(micros.at, NULL, 10) / 1000;
	if (bus_edges(query->redis, on_edges, query) < 0)
		answer(query, &unknown);
}

int bus_moment_ask(struct redis *redis, struct bus_moment_query *query)
{
	query->redis = redis;
	return redis_send_text(redis, REPLY_TIMEOUT_MS, on_time, query, "TIME", NULL);
}

/* ---- adding ---------------------------------------------------------------------------------- */

struct added_event {
	void (*on_added)(const char *fault, void *owner);
	void *owner;
};

static void on_id(const redisReply *reply, void *owner)
{
	struct added_event *addition = owner;
	const char *fault = NULL;

	if (!reply)
		fault = "the connection to Redis was lost";
	else if (reply->type == REDIS_REPLY_ERROR)
		fault = reply->str;
	addition->on_added(fault, addition->owner);
	free(addition);
}

int bus_add(struct redis *redis, struct str json, void (*on_added)(const char *fault, void *owner),
	    void *owner)
{
	const struct str argv[] = { STR("XADD"),           STR(BUS_STREAM),
				    STR("MAXLEN"),         STR("~"),
				    STR(BUS_STREAM_LIMIT), STR("*"),
				    STR("payload"),        json };
	struct added_event *addition = calloc(1, sizeof(*addition));
	int rc;

	if (!addition)
		return -ENOMEM;
	addition->on_added = on_added;
	addition->owner = owner;
	rc = redis_send(redis, REPLY_TIMEOUT_MS, on_id, addition, ARRAY_LEN(argv), argv);
	if (rc < 0)
		free(addition);
	return rc;
}
