/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Events as JSON, compact and always the same for the same event. Appends to the caller's buffer,
 * whose sticky error is the only failure.
 *
 * A body stays as close to the publisher's as it can. A frame is for clients with closed models,
 * which fail on a word or a time they do not know. So a frame has values that they can read, and
 * keeps the originals in the metadata.
 */
#include "core/clock.h"
#include "core/event.h"
#include "core/json.h"
#include "core/rfc3339.h"

#define MAX_ORIGINALS 2

/* The members that the two forms write differently. */
struct manner {
	bool with_host;
	struct str timestamp;
	struct str actor_type;
	size_t original_count;
	struct event_member originals[MAX_ORIGINALS]; /* more metadata */
	char time[RFC3339_TEXT_SIZE];
};

static void add_when_present(struct buf *out, const char *name, struct str value)
{
	if (value.len)
		json_add_member(out, name, value);
}

static void add_actor(struct buf *out, const struct event *event, struct str type)
{
	json_add_name(out, "actor");
	buf_add_char(out, '{');
	json_add_member(out, "type", type);
	add_when_present(out, "id", event->actor_id);
	add_when_present(out, "name", event->actor_name);
	buf_add_char(out, '}');
}

static void add_resource(struct buf *out, const struct event *event)
{
	json_add_name(out, "resource");
	buf_add_char(out, '{');
	json_add_member(out, "id", event->resource_id);
	json_add_member(out, "type", event->resource_type);
	buf_add_char(out, '}');
}

static bool is_about_host(const struct event_member *member)
{
	return str_is(member->name, "host_ip") || str_is(member->name, "host_id");
}

static size_t count_about_host(const struct event *event)
{
	size_t count = 0;

	for (size_t i = 0; i < event->metadata_count; i++)
		count += is_about_host(&event->metadata[i]);
	return count;
}

/* Publishers usually sort the names already, so this seldom moves anything. */
static void insert_sorted(const struct event_member **sorted, size_t count,
			  const struct event_member *member)
{
	size_t at = count;

	for (; at > 0 && strcmp(member->name.at, sorted[at - 1]->name.at) < 0; at--)
		sorted[at] = sorted[at - 1];
	sorted[at] = member;
}

static void add_metadata(struct buf *out, const struct event *event, const struct manner *manner)
{
	const struct event_member *sorted[EVENT_MAX_METADATA + MAX_ORIGINALS];
	size_t count = 0;

	for (size_t i = 0; i < event->metadata_count; i++) {
		if (manner->with_host || !is_about_host(&event->metadata[i]))
			insert_sorted(sorted, count++, &event->metadata[i]);
	}
	for (size_t i = 0; i < manner->original_count; i++)
		insert_sorted(sorted, count++, &manner->originals[i]);
	if (count == 0)
		return;
	json_add_name(out, "metadata");
	buf_add_char(out, '{');
	for (size_t i = 0; i < count; i++)
		json_add_member(out, sorted[i]->name.at, sorted[i]->value);
	buf_add_char(out, '}');
}

static void write_open(struct buf *out, const struct event *event, const struct manner *manner)
{
	static const char *const outcomes[] = {
		[OUTCOME_SUCCESS] = "success",
		[OUTCOME_ERROR] = "error",
	};

	buf_add_char(out, '{');
	json_add_member(out, "event", event->kind_text);
	if (event->outcome != OUTCOME_NONE)
		json_add_member(out, "outcome", str_of(outcomes[event->outcome]));
	json_add_member(out, "timestamp", manner->timestamp);
	json_add_member(out, "team_id", event->team_text);
	add_actor(out, event, manner->actor_type);
	add_resource(out, event);
	add_metadata(out, event, manner);
	add_when_present(out, "error", event->public_error);
}

static void write_as_published(struct buf *out, const struct event *event, bool with_host)
{
	const struct manner manner = {
		.with_host = with_host,
		.timestamp = event->timestamp,
		.actor_type = event->actor_type,
	};

	write_open(out, event, &manner);
	buf_add_char(out, '}');
}

/* If the publisher sent a member of that name, it stays. */
static void keep_original(struct manner *manner, const struct event *event, const char *name,
			  struct str value)
{
	for (size_t i = 0; i < event->metadata_count; i++) {
		if (str_is(event->metadata[i].name, name))
			return;
	}
	manner->originals[manner->original_count++] =
		(struct event_member){ .name = str_of(name), .value = value };
}

/* An event that came by pub/sub has no stream id: its time is now. */
static void set_time(struct manner *manner, const struct event *event)
{
	int64_t us = event->time_us ? event->time_us : event_stream_us(event);

	if (rfc3339_is_strict(event->timestamp)) {
		manner->timestamp = event->timestamp;
		return;
	}
	rfc3339_format(us ? us : clock_wall_us(), event->time_us % 1000000 ? 6 : 0, manner->time);
	manner->timestamp = str_of(manner->time);
	keep_original(manner, event, "original_timestamp", event->timestamp);
}

void event_write_frame(struct buf *out, const struct event *event)
{
	struct manner manner = { .with_host = true, .actor_type = event->actor_type };

	if (event->actor == ACTOR_OTHER) {
		manner.actor_type = STR("system");
		keep_original(&manner, event, "original_actor_type", event->actor_type);
	}
	set_time(&manner, event);
	write_open(out, event, &manner);
}

void event_write_body(struct buf *out, const struct event *event)
{
	if (event->payload_is_public) {
		buf_add_str(out, event->payload);
		return;
	}
	write_as_published(out, event, true);
}

void event_write_body_without_host(struct buf *out, const struct event *event)
{
	if (count_about_host(event) == 0) {
		event_write_body(out, event);
		return;
	}
	write_as_published(out, event, false);
}
