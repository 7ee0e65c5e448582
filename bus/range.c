/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One command, one reply. A lost connection is -ENOTCONN, a malformed reply -EBADMSG. The caller
 * decides what to do then, because others share the connection.
 */
#include "bus/range.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/counters.h"
#include "bus/entry.h"
#include "bus/reply.h"
#include "bus/stream.h"
#include "core/id.h"

/* The publisher trims to about this many entries and never below, so a shorter stream was never
 * trimmed. */
#define TRIMMED_FROM 10000

struct query {
	struct stream_id after;
	unsigned asked;
	char team[ID_TEXT_SIZE]; /* empty: all */
	bus_range_fn on_range;
	bus_edges_fn on_edges;
	void *owner;
};

static struct query *ask(void *owner)
{
	struct query *query = calloc(1, sizeof(*query));

	if (query)
		query->owner = owner;
	return query;
}

/* ---- range ------------------------------------------------------------------------------- */

static int collect(const redisReply *reply, struct query *query, struct bus_range *range)
{
	const struct str team = { query->team[0] ? query->team : NULL, strlen(query->team) };

	for (size_t i = 0; i < reply->elements; i++) {
		struct entry entry;
		int rc = entry_read_of_team(reply->element[i], team, &entry);

		if (rc)
			return rc;
		if (entry.fate == ENTRY_SHOWN)
			range->events[range->count++] = entry.event;
		else if (entry.fate != ENTRY_IGNORED)
			metric_add(bus_counters.unreadable, 1);
		if (stream_id_compare(entry.id, range->head) <= 0)
			return -EBADMSG;
		range->head = entry.id;
	}
	range->at_end = reply->elements < query->asked;
	metric_add(bus_counters.read[READER_RANGE], (int64_t)reply->elements);
	return 0;
}

static int read_range(const redisReply *reply, struct query *query, struct bus_range *range)
{
	if (!reply)
		return -ENOTCONN;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements > query->asked)
		return -EBADMSG;
	if (reply->elements == 0) {
		range->at_end = true;
		return 0;
	}
	range->events = calloc(reply->elements, sizeof(struct event *));
	return range->events ? collect(reply, query, range) : -ENOMEM;
}

static void on_range_reply(const redisReply *reply, void *owner)
{
	struct query *query = owner;
	struct bus_range range = { .head = query->after };

	range.rc = read_range(reply, query, &range);
	query->on_range(&range, query->owner);
	for (size_t i = 0; i < range.count; i++)
		event_free(range.events[i]);
	free(range.events);
	free(query);
}

int bus_range(struct redis *redis, struct stream_id after, unsigned count, const struct uuid *team,
	      bus_range_fn on_done, void *owner)
{
	struct query *query = ask(owner);
	char from_text[STREAM_ID_TEXT_SIZE];
	char count_text[16];
	int rc;

	assert(count > 0);
	if (!query)
		return -ENOMEM;
	query->after = after;
	query->asked = count;
	if (team)
		id_format(ID_TEAM, team, query->team);
	query->on_range = on_done;
	stream_id_format(stream_id_next(after), from_text);
	snprintf(count_text, sizeof(count_text), "%u", count);
	rc = redis_send_text(redis, REPLY_TIMEOUT_MS, on_range_reply, query, "XRANGE", BUS_STREAM,
			     from_text, "+", "COUNT", count_text, NULL);
	if (rc)
		free(query);
	return rc;
}

/* ---- edges ------------------------------------------------------------------------------- */

static int read_edges(const redisReply *reply, struct bus_edges *edges)
{
	struct str newest = reply_text(reply_find(reply, "last-generated-id"));
	struct str oldest = reply_text(reply_element(reply_find(reply, "first-entry"), 0));
	struct str readable = reply_text(reply_element(reply_find(reply, "last-entry"), 0));
	uint64_t length = reply_number(reply_find(reply, "length"), UINT64_MAX);
	uint64_t added = reply_number(reply_find(reply, "entries-added"), 0);

	if (!newest.at || stream_id_parse(newest, &edges->newest) != 0 || length == UINT64_MAX)
		return -EBADMSG;
	if ((oldest.at && stream_id_parse(oldest, &edges->oldest) != 0) ||
	    (readable.at && stream_id_parse(readable, &edges->readable) != 0))
		return -EBADMSG;
	edges->exists = true;
	if (added > 0)
		edges->removed = added > length ? added - length : 0;
	else
		edges->removed = length >= TRIMMED_FROM ||
				 (length == 0 && !stream_id_is_zero(edges->newest));
	edges->trimmed = edges->removed > 0;
	return 0;
}

static int judge_edges(const redisReply *reply, struct bus_edges *edges)
{
	if (!reply)
		return -ENOTCONN;
	if (reply_is_error(reply, "ERR") && strstr(reply->str, "no such key"))
		return 0;
	if (reply_is_error(reply, "WRONGTYPE"))
		return -EPROTOTYPE;
	return read_edges(reply, edges);
}

static void on_edges_reply(const redisReply *reply, void *owner)
{
	struct query *query = owner;
	struct bus_edges edges = { .rc = 0 };

	edges.rc = judge_edges(reply, &edges);
	query->on_edges(&edges, query->owner);
	free(query);
}

int bus_edges(struct redis *redis, bus_edges_fn on_done, void *owner)
{
	struct query *query = ask(owner);
	int rc;

	if (!query)
		return -ENOMEM;
	query->on_edges = on_done;
	rc = redis_send_text(redis, REPLY_TIMEOUT_MS, on_edges_reply, query, "XINFO", "STREAM",
			     BUS_STREAM, NULL);
	if (rc)
		free(query);
	return rc;
}
