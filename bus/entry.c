/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads entries. An entry that is not an event is not a failure: enum entry_fate says what it is,
 * and the next entry is read. Only a malformed reply fails, because nothing after it can be
 * trusted.
 */
#include "bus/entry.h"

#include <errno.h>
#include <string.h>

#include "bus/counters.h"
#include "bus/reply.h"
#include "bus/unknown.h"

struct str entry_payload(const redisReply *fields)
{
	return reply_text(reply_find(fields, "payload"));
}

static int check_fields(const redisReply *fields)
{
	if (fields->type != REDIS_REPLY_ARRAY || fields->elements % 2 != 0)
		return -EBADMSG;
	for (size_t i = 0; i < fields->elements; i++) {
		if (!reply_text(fields->element[i]).at)
			return -EBADMSG;
	}
	return 0;
}

static int read_event(struct str payload, struct entry *entry)
{
	int rc = event_parse(payload, entry->id, &entry->event, &entry->why);

	if (rc == -EINVAL) {
		entry->fate = ENTRY_UNREADABLE;
		return 0;
	}
	if (rc)
		return rc;
	entry->fate = ENTRY_IGNORED;
	if (entry->event->kind == EVENT_UNKNOWN)
		unknown_kind_note(entry->event->kind_text, entry->id);
	else if (!event_kind_is_subscribable(entry->event->kind))
		metric_add(bus_counters.not_durable, 1);
	else if (event_is_about_nothing(entry->event))
		metric_add(bus_counters.about_nothing, 1);
	else
		entry->fate = ENTRY_SHOWN;
	if (entry->fate == ENTRY_IGNORED) {
		event_free(entry->event);
		entry->event = NULL;
	}
	return 0;
}

/* A team id has one spelling, and only a backslash can hide characters of a JSON string. So a
 * payload without the text is certainly of another team. With the text it may be of either. */
static bool is_of_another_team(struct str payload, struct str team)
{
	return !memmem(payload.at, payload.len, team.at, team.len) &&
	       !memchr(payload.at, '\\', payload.len);
}

int entry_read(const redisReply *reply, struct entry *out)
{
	return entry_read_of_team(reply, (struct str){ .at = NULL }, out);
}

int entry_read_of_team(const redisReply *reply, struct str team, struct entry *out)
{
	struct str id = reply_text(reply_element(reply, 0));
	const redisReply *fields = reply_element(reply, 1);
	struct str payload;

	*out = (struct entry){ .fate = ENTRY_TRIMMED };
	if (!id.at || !fields || stream_id_parse(id, &out->id) != 0)
		return -EBADMSG;
	if (fields->type == REDIS_REPLY_NIL)
		return 0;
	if (check_fields(fields) != 0)
		return -EBADMSG;
	out->fields = fields;
	payload = entry_payload(fields);
	if (!payload.at) {
		out->fate = ENTRY_NO_PAYLOAD;
		reason_set(&out->why, 0, "payload", "the entry has no field named payload");
		return 0;
	}
	if (team.at && is_of_another_team(payload, team)) {
		out->fate = ENTRY_IGNORED;
		return 0;
	}
	return read_event(payload, out);
}

int entry_list(const redisReply *reply, const redisReply **out)
{
	const redisReply *stream = reply_element(reply, 0);
	const redisReply *list = reply_element(stream, 1);

	*out = NULL;
	if (reply->type == REDIS_REPLY_NIL)
		return 0;
	if (!list || reply->elements != 1 || list->type != REDIS_REPLY_ARRAY)
		return -EBADMSG;
	*out = list;
	return 0;
}
