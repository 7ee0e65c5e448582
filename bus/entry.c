/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading entries. An entry that is no event is a fate, not a failure: the stream goes on behind
 * it. Only a reply of the wrong shape fails, because then nothing behind it can be trusted.
 */
#include "bus/entry.h"

#include <errno.h>

#include "bus/unknown.h"

struct str reply_text(const redisReply *reply)
{
	if (!reply || (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS))
		return (struct str){ NULL, 0 };
	return (struct str){ reply->str, (size_t)reply->len };
}

const redisReply *reply_element(const redisReply *reply, size_t i)
{
	if (!reply || reply->type != REDIS_REPLY_ARRAY || i >= reply->elements)
		return NULL;
	return reply->element[i];
}

const redisReply *reply_find(const redisReply *reply, const char *name)
{
	for (size_t i = 0; reply_element(reply, i + 1); i += 2) {
		struct str text = reply_text(reply_element(reply, i));

		if (text.at && str_is(text, name))
			return reply_element(reply, i + 1);
	}
	return NULL;
}

bool reply_is_error(const redisReply *reply, const char *code)
{
	size_t len = strlen(code);

	return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, code, len) == 0 &&
	       (reply->str[len] == ' ' || reply->str[len] == '\0');
}

uint64_t reply_number(const redisReply *reply, uint64_t otherwise)
{
	if (!reply || reply->type != REDIS_REPLY_INTEGER || reply->integer < 0)
		return otherwise;
	return (uint64_t)reply->integer;
}

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
		event_unref(entry->event);
		entry->event = NULL;
	}
	return 0;
}

int entry_read(const redisReply *reply, struct entry *out)
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
