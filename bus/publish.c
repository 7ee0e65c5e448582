/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes one event as in contract a.2: first to the stream, then the same bytes to the pub/sub
 * channel, also when the first failed. An event that no reader could read is refused before
 * anything is sent.
 */
#include "bus/publish.h"

#include <errno.h>
#include <stdio.h>

#include "bus/reply.h"
#include "bus/stream.h"

struct redis_answer {
	char id[STREAM_ID_TEXT_SIZE]; /* empty when the answer holds none */
	struct reason *why;           /* may be NULL */
	int rc;
};

/* We lack the permission for any event. */
static bool is_about_us(struct str error)
{
	return str_starts(error, STR("NOPERM")) || str_starts(error, STR("NOAUTH")) ||
	       str_starts(error, STR("WRONGPASS"));
}

static void on_answer(const redisReply *reply, void *owner)
{
	struct redis_answer *answer = owner;
	struct str text = reply_text(reply);

	if (reply->type == REDIS_REPLY_ERROR)
		answer->rc =
			reason_set(answer->why, is_about_us(str_of(reply->str)) ? -EACCES : -EIO,
				   "", "Redis refused the event: %s", reply->str);
	else if (text.at && text.len < STREAM_ID_TEXT_SIZE)
		snprintf(answer->id, STREAM_ID_TEXT_SIZE, "%.*s", STR_ARGS(text));
}

static int ask(struct redis_blocking *redis, struct redis_answer *answer, int argc,
	       const struct str *argv)
{
	const struct redis_blocking_command command = {
		.argc = argc, .argv = argv, .on_reply = on_answer, .owner = answer
	};
	int rc = redis_blocking_send(redis, &command, answer->why);

	return rc ? rc : answer->rc;
}

static int add_to_stream(struct redis_blocking *redis, struct str json,
			 char id[STREAM_ID_TEXT_SIZE], struct reason *why)
{
	const struct str argv[] = { STR("XADD"),           STR(BUS_STREAM),
				    STR("MAXLEN"),         STR("~"),
				    STR(BUS_STREAM_LIMIT), STR("*"),
				    STR("payload"),        json };
	struct redis_answer answer = { .why = why };
	int rc = ask(redis, &answer, ARRAY_LEN(argv), argv);

	if (rc == 0 && !answer.id[0])
		return reason_set(why, -EIO, "", "Redis answered XADD without an id");
	memcpy(id, answer.id, sizeof(answer.id));
	return rc;
}

static int publish_copy(struct redis_blocking *redis, struct str json, struct reason *why)
{
	const struct str argv[] = { STR("PUBLISH"), STR(BUS_CHANNEL), json };
	struct redis_answer answer = { .why = why };

	return ask(redis, &answer, ARRAY_LEN(argv), argv);
}

static int find_kind(struct str json, enum event_kind *out, struct reason *why)
{
	struct event *event;
	int rc = event_parse(json, (struct stream_id){ 0 }, &event, why);

	if (rc)
		return rc;
	*out = event->kind;
	event_free(event);
	if (*out == EVENT_CHANNEL_TEST)
		return reason_set(why, -EINVAL, "event",
				  "channel.test cannot be published; test a channel instead");
	return 0;
}

int bus_publish(struct redis_blocking *redis, struct str json, char id[STREAM_ID_TEXT_SIZE],
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
