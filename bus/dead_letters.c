/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lists dead letters, and offers one again. bus/commit.c writes them. Redis runs an offer as one
 * script, so two administrators who offer the same letter make one event.
 */
#include "bus/dead_letters.h"

#include <errno.h>
#include <stdio.h>

#include "bus/reply.h"
#include "bus/stream.h"
#include "core/attributes.h"
#include "net/net.h"

/* Answers nil when there is no such letter, 0 when it has no payload, else the id of the new
 * entry. */
static const char offer_script[] =
	"local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])\n"
	"if #found == 0 then return false end\n"
	"local fields, payload = found[1][2], ''\n"
	"for i = 1, #fields, 2 do\n"
	"  if fields[i] == 'payload' then payload = fields[i + 1] end\n"
	"end\n"
	"if payload == '' then return 0 end\n"
	"local id = redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'payload', payload)\n"
	"redis.call('XDEL', KEYS[1], ARGV[1])\n"
	"return id\n";

static void on_list(const redisReply *reply, void *owner)
{
	const struct bus_dead_query *query = owner;
	const redisReply *entry;
	int rc = 0;

	if (!reply)
		rc = -ENOTCONN;
	else if (reply->type != REDIS_REPLY_ARRAY)
		rc = -EIO;
	for (size_t i = 0; rc == 0 && (entry = reply_element(reply, i)); i++) {
		const redisReply *fields = reply_element(entry, 1);
		const struct bus_dead_letter letter = {
			.id = reply_text(reply_element(entry, 0)),
			.entry_id = reply_text(reply_find(fields, "id")),
			.payload = reply_text(reply_find(fields, "payload")),
			.reason = reply_text(reply_find(fields, "reason")),
		};

		query->on_letter(&letter, query->owner);
	}
	query->on_done(rc, STR(""), query->owner);
}

int bus_dead_list(struct redis *redis, struct stream_id before, unsigned count,
		  struct bus_dead_query *query)
{
	char from[STREAM_ID_TEXT_SIZE + 1] = "+";
	char limit[16];

	if (!stream_id_is_zero(before)) {
		from[0] = '(';
		stream_id_format(before, from + 1);
	}
	snprintf(limit, sizeof(limit), "%u", count);
	return redis_send_text(redis, REPLY_TIMEOUT_MS, on_list, query, "XREVRANGE",
			       BUS_DEAD_STREAM, from, "-", "COUNT", limit, NULL);
}

static void on_offered(const redisReply *reply, void *owner)
{
	const struct bus_dead_query *query = owner;
	struct str id = reply_text(reply);
	int rc = -EIO;

	if (!reply)
		rc = -ENOTCONN;
	else if (reply->type == REDIS_REPLY_NIL)
		rc = -ENOENT;
	else if (reply->type == REDIS_REPLY_INTEGER)
		rc = -ENODATA;
	else if (id.at)
		rc = 0;
	query->on_done(rc, id, query->owner);
}

int bus_dead_offer(struct redis *redis, struct stream_id id, struct bus_dead_query *query)
{
	char text[STREAM_ID_TEXT_SIZE];

	stream_id_format(id, text);
	return redis_send_text(redis, REPLY_TIMEOUT_MS, on_offered, query, "EVAL", offer_script,
			       "2", BUS_DEAD_STREAM, BUS_STREAM, text, BUS_STREAM_LIMIT, NULL);
}
