/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Events as JSON, compact and always the same for the same event. Appends to the caller's
 * buffer, whose sticky error is the only failure.
 */
#include "core/event.h"
#include "core/json.h"

static void add_when_present(struct buf *out, const char *name, struct str value)
{
	if (value.len)
		json_add_member(out, name, value);
}

static void add_actor(struct buf *out, const struct event *event)
{
	json_add_name(out, "actor");
	buf_add_char(out, '{');
	json_add_member(out, "type", event->actor_type);
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

/* Publishers sort the names already, so this seldom moves anything. */
static void sort_members(const struct event *event, const struct event_member **sorted)
{
	for (size_t i = 0; i < event->metadata_count; i++) {
		const struct event_member *member = &event->metadata[i];
		size_t at = i;

		for (; at > 0 && strcmp(member->name.at, sorted[at - 1]->name.at) < 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = member;
	}
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

static void add_metadata(struct buf *out, const struct event *event, bool with_host)
{
	const struct event_member *sorted[EVENT_MAX_METADATA];

	if (event->metadata_count == (with_host ? 0 : count_about_host(event)))
		return;
	sort_members(event, sorted);
	json_add_name(out, "metadata");
	buf_add_char(out, '{');
	for (size_t i = 0; i < event->metadata_count; i++) {
		if (with_host || !is_about_host(sorted[i]))
			json_add_member(out, sorted[i]->name.at, sorted[i]->value);
	}
	buf_add_char(out, '}');
}

static void write_open(struct buf *out, const struct event *event, bool with_host)
{
	static const char *const outcomes[] = {
		[OUTCOME_SUCCESS] = "success",
		[OUTCOME_ERROR] = "error",
	};

	buf_add_char(out, '{');
	json_add_member(out, "event", event->kind_text);
	if (event->outcome != OUTCOME_NONE)
		json_add_member(out, "outcome", str_of(outcomes[event->outcome]));
	json_add_member(out, "timestamp", event->timestamp);
	json_add_member(out, "team_id", event->team_text);
	add_actor(out, event);
	add_resource(out, event);
	add_metadata(out, event, with_host);
	add_when_present(out, "error", event->public_error);
}

void event_write_open(struct buf *out, const struct event *event)
{
	write_open(out, event, true);
}

void event_write_body(struct buf *out, const struct event *event)
{
	if (event->payload_is_public) {
		buf_add_str(out, event->payload);
		return;
	}
	event_write_open(out, event);
	buf_add_char(out, '}');
}

void event_write_body_without_host(struct buf *out, const struct event *event)
{
	if (count_about_host(event) == 0) {
		event_write_body(out, event);
		return;
	}
	write_open(out, event, false);
	buf_add_char(out, '}');
}
