/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Publishing one event as contract a.2 has it, on a blocking connection: into the stream, then
 * the very same bytes on the pub/sub channel, the second also when the first failed. An event
 * that no reader could read is refused before anything is sent.
 */
#include <errno.h>
#include <stdio.h>

#include "bus/bus.h"
#include "bus/entry.h"

/* The reply, or NULL with the fault in *why; an error reply is a fault. Free what comes. */
static redisReply *command(redisContext *redis, int argc, const struct str *argv,
			   struct reason *why)
{
	const char *texts[10];
	size_t lens[10];
	redisReply *reply;

	for (int i = 0; i < argc; i++) {
		texts[i] = argv[i].at;
		lens[i] = argv[i].len;
	}
	reply = redisCommandArgv(redis, argc, texts, lens);
	if (!reply) {
		reason_set(why, -EIO, "", "Redis is away: %s", redis->errstr);
		return NULL;
	}
	if (reply->type == REDIS_REPLY_ERROR) {
		reason_set(why, -EIO, "", "Redis refused the event: %s", reply->str);
		freeReplyObject(reply);
		return NULL;
	}
	return reply;
}

static int add_to_stream(redisContext *redis, struct str json, char id[STREAM_ID_TEXT_SIZE],
			 struct reason *why)
{
	const struct str argv[] = { STR("XADD"),           STR(BUS_STREAM),
				    STR("MAXLEN"),         STR("~"),
				    STR(BUS_STREAM_LIMIT), STR("*"),
				    STR("payload"),        json };
	redisReply *reply = command(redis, ARRAY_LEN(argv), argv, why);
	struct str text;
	int rc = 0;

	if (!reply)
		return -EIO;
	text = reply_text(reply);
	if (!text.at || text.len >= STREAM_ID_TEXT_SIZE)
		rc = reason_set(why, -EIO, "", "Redis gave the event no id");
	else
		snprintf(id, STREAM_ID_TEXT_SIZE, "%.*s", STR_ARGS(text));
	freeReplyObject(reply);
	return rc;
}

static int publish_copy(redisContext *redis, struct str json, struct reason *why)
{
	const struct str argv[] = { STR("PUBLISH"), STR(BUS_CHANNEL), json };
	redisReply *reply = command(redis, ARRAY_LEN(argv), argv, why);

	if (!reply)
		return -EIO;
	freeReplyObject(reply);
	return 0;
}

static int find_kind(struct str json, enum event_kind *out, struct reason *why)
{
	struct event *event;
	int rc = event_parse(json, (struct stream_id){ 0 }, &event, why);

	if (rc)
		return rc;
	*out = event->kind;
	event_unref(event);
	if (*out == EVENT_CHANNEL_TEST)
		return reason_set(why, -EINVAL, "event", "channel.test is never published");
	return 0;
}

int bus_publish(redisContext *redis, struct str json, char id[STREAM_ID_TEXT_SIZE],
		struct reason *why)
{
	enum event_kind kind;
	int rc = find_kind(json, &kind, why);
	int copy_rc;

	id[0] = '\0';
	if (rc)
		return rc;
	if (kind != EVENT_CAPSULE_STATE_CHANGED)
		rc = add_to_stream(redis, json, id, why);
	copy_rc = publish_copy(redis, json, rc ? NULL : why);
	return rc ? rc : copy_rc;
}
