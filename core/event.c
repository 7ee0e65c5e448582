/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Parsing events. A draft collects the checked members of the JSON tree; packing copies it with all
 * its text into one allocation, and the tree is freed. A bad payload is -EINVAL with its reason,
 * and the event becomes a dead letter. -ENOMEM says nothing about the payload.
 *
 *	[ struct event ][ metadata[0] .. metadata[n-1] ][ texts, each with a NUL ]
 */
#include "core/event.h"

#include <errno.h>
#include <stdlib.h>

#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

/* Slices point into the tree, the payload or the two texts made here. */
struct event_draft {
	struct event event;
	struct event_member metadata[EVENT_MAX_METADATA];
	struct buf sandbox;
	struct buf error;
	struct reason *why;
};

static const size_t text_offsets[] = {
	offsetof(struct event, kind_text),    offsetof(struct event, team_text),
	offsetof(struct event, timestamp),    offsetof(struct event, actor_type),
	offsetof(struct event, actor_id),     offsetof(struct event, actor_name),
	offsetof(struct event, resource_id),  offsetof(struct event, resource_type),
	offsetof(struct event, reason),       offsetof(struct event, error),
	offsetof(struct event, public_error), offsetof(struct event, sandbox),
	offsetof(struct event, payload),
};

static int refuse(struct event_draft *d, const char *field, const char *problem)
{
	return reason_set(d->why, -EINVAL, field, "%s %s", field, problem);
}

/* The last name of a path like "actor.type". */
static const char *last_name(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

/* The member, or NULL when it is absent or null. */
static const cJSON *find_member(const cJSON *object, const char *path)
{
	const cJSON *member = json_get(object, last_name(path));

	return cJSON_IsNull(member) ? NULL : member;
}

static int take_text(struct event_draft *d, const cJSON *object, const char *path, struct str *out)
{
	const cJSON *member = find_member(object, path);

	if (!member)
		return 0;
	if (!cJSON_IsString(member))
		return refuse(d, path, "must be a string");
	*out = str_of(member->valuestring);
	return 0;
}

static int need_text(struct event_draft *d, const cJSON *object, const char *path, struct str *out)
{
	int rc = take_text(d, object, path, out);

	if (rc == 0 && out->len == 0)
		return refuse(d, path, "is missing");
	return rc;
}

static int need_object(struct event_draft *d, const cJSON *root, const char *path,
		       const cJSON **out)
{
	*out = find_member(root, path);
	if (!*out)
		return refuse(d, path, "is missing");
	return cJSON_IsObject(*out) ? 0 : refuse(d, path, "must be an object");
}

static int take_outcome(struct event_draft *d, const cJSON *root)
{
	struct str word = STR("");
	int rc = take_text(d, root, "outcome", &word);

	if (rc < 0 || word.len == 0)
		return rc;
	if (str_is(word, "success"))
		d->event.outcome = OUTCOME_SUCCESS;
	else if (str_is(word, "error"))
		d->event.outcome = OUTCOME_ERROR;
	else
		return refuse(d, "outcome", "must be success or error");
	return 0;
}

static int take_actor(struct event_draft *d, const cJSON *root)
{
	struct event *event = &d->event;
	const cJSON *actor;
	int rc = need_object(d, root, "actor", &actor);

	if (rc == 0)
		rc = need_text(d, actor, "actor.type", &event->actor_type);
	if (rc == 0)
		rc = take_text(d, actor, "actor.id", &event->actor_id);
	if (rc == 0)
		rc = take_text(d, actor, "actor.name", &event->actor_name);
	if (str_is(event->actor_type, "user"))
		event->actor = ACTOR_USER;
	else if (str_is(event->actor_type, "api_key"))
		event->actor = ACTOR_API_KEY;
	else if (str_is(event->actor_type, "system"))
		event->actor = ACTOR_SYSTEM;
	return rc;
}

static int take_resource(struct event_draft *d, const cJSON *root)
{
	struct event *event = &d->event;
	const cJSON *resource;
	int rc = need_object(d, root, "resource", &resource);

	if (rc < 0)
		return rc;
	if (!find_member(resource, "resource.id")) /* may be empty, but must be there */
		return refuse(d, "resource.id", "is missing");
	rc = take_text(d, resource, "resource.id", &event->resource_id);
	if (rc == 0)
		rc = need_text(d, resource, "resource.type", &event->resource_type);
	if (rc == 0 && event_kind_is_capsule(event->kind))
		event->has_capsule = id_parse(ID_CAPSULE, event->resource_id, &event->capsule) == 0;
	return rc;
}

static int take_metadata(struct event_draft *d, const cJSON *root)
{
	struct event *event = &d->event;
	const cJSON *metadata = find_member(root, "metadata");

	if (!metadata)
		return 0;
	if (!cJSON_IsObject(metadata))
		return refuse(d, "metadata", "must be an object");
	event->metadata = d->metadata;
	for (const cJSON *member = metadata->child; member; member = member->next) {
		if (event->metadata_count == EVENT_MAX_METADATA)
			return refuse(d, "metadata", "has too many members");
		if (!cJSON_IsString(member))
			return refuse(d, "metadata", "must contain only strings");
		d->metadata[event->metadata_count++] = (struct event_member){
			.name = str_of(member->string),
			.value = str_of(member->valuestring),
		};
	}
	event->reason = event_metadata(event, "reason");
	if (utf8_is_blank(event->reason))
		event->reason = STR("");
	return 0;
}

static int take_error(struct event_draft *d, const cJSON *root)
{
	int rc = take_text(d, root, "error", &d->event.error);

	if (rc < 0)
		return rc;
	d->event.payload_is_public = d->event.error.len <= EVENT_MAX_ERROR;
	if (utf8_is_blank(d->event.error))
		d->event.error = STR("");
	utf8_clean(&d->error, d->event.error, EVENT_MAX_ERROR, true);
	d->event.public_error = buf_str(&d->error);
	return d->error.err;
}

static int take_sandbox(struct event_draft *d, const cJSON *root)
{
	const cJSON *sandbox = json_get(root, "sandbox");

	if (!sandbox)
		return 0;
	d->event.payload_is_public = false;
	if (cJSON_IsNull(sandbox))
		return 0;
	if (!cJSON_IsObject(sandbox))
		return refuse(d, "sandbox", "must be an object");
	json_add_value(&d->sandbox, sandbox);
	d->event.sandbox = buf_str(&d->sandbox);
	return d->sandbox.err;
}

static int take_members(struct event_draft *d, const cJSON *root)
{
	struct event *event = &d->event;
	int rc = take_outcome(d, root);

	if (rc == 0)
		rc = need_text(d, root, "timestamp", &event->timestamp);
	if (rc == 0)
		rc = need_text(d, root, "team_id", &event->team_text);
	if (rc < 0)
		return rc;
	if (id_parse(ID_TEAM, event->team_text, &event->team) < 0)
		return refuse(d, "team_id", "is not a team id");
	if (rfc3339_parse(event->timestamp, &event->time_us) < 0 &&
	    rfc3339_parse_zoneless(event->timestamp, &event->time_us) < 0)
		event->time_us = 0;

	rc = take_actor(d, root);
	if (rc == 0)
		rc = take_resource(d, root);
	if (rc == 0)
		rc = take_metadata(d, root);
	if (rc == 0)
		rc = take_error(d, root);
	return rc < 0 ? rc : take_sandbox(d, root);
}

static int fill_draft(struct event_draft *d, const cJSON *root)
{
	int rc;

	if (!cJSON_IsObject(root))
		return refuse(d, "event", "must be an object");
	rc = need_text(d, root, "event", &d->event.kind_text);
	if (rc < 0)
		return rc;
	d->event.kind = event_kind_find(d->event.kind_text);
	return d->event.kind == EVENT_UNKNOWN ? 0 : take_members(d, root);
}

static struct str *text_at(struct event *event, size_t i)
{
	return (struct str *)((char *)event + text_offsets[i]);
}

/* Copies the slice's text into the event's memory. */
static void pack_text(struct str *text, char **room)
{
	if (text->len)
		memcpy(*room, text->at, text->len);
	(*room)[text->len] = '\0';
	text->at = *room;
	*room += text->len + 1;
}

static struct event *pack(struct event_draft *d)
{
	size_t members_size = d->event.metadata_count * sizeof(struct event_member);
	size_t size = sizeof(struct event) + members_size;

	for (size_t i = 0; i < ARRAY_LEN(text_offsets); i++)
		size += text_at(&d->event, i)->len + 1;
	for (size_t i = 0; i < d->event.metadata_count; i++)
		size += d->metadata[i].name.len + 1 + d->metadata[i].value.len + 1;

	struct event *event = malloc(size);
	if (!event)
		return NULL;
	memcpy(event, &d->event, sizeof(*event));
	event->metadata = (struct event_member *)(event + 1);
	memcpy(event->metadata, d->metadata, members_size);

	char *room = (char *)event->metadata + members_size;

	for (size_t i = 0; i < ARRAY_LEN(text_offsets); i++)
		pack_text(text_at(event, i), &room);
	for (size_t i = 0; i < event->metadata_count; i++) {
		pack_text(&event->metadata[i].name, &room);
		pack_text(&event->metadata[i].value, &room);
	}
	return event;
}

int event_parse(struct str payload, struct stream_id id, struct event **out, struct reason *why)
{
	struct event_draft d = {
		.event = { .id = id, .payload = payload, .payload_is_public = true },
		.why = why,
	};
	cJSON *tree = NULL;
	struct event *event = NULL;

	buf_init(&d.error, EVENT_MAX_ERROR);
	buf_init(&d.sandbox, 8 * EVENT_MAX_BYTES); /* "1e99" needs 21 bytes when written again */
	int rc = json_parse_foreign(payload, EVENT_MAX_BYTES, &tree, why);

	if (rc == 0)
		rc = fill_draft(&d, tree);
	if (rc == 0) {
		event = pack(&d);
		rc = event ? 0 : -ENOMEM;
	}
	if (rc == 0)
		*out = event;
	cJSON_Delete(tree);
	buf_done(&d.sandbox);
	buf_done(&d.error);
	return rc == -E2BIG ? -EINVAL : rc;
}

void event_free(struct event *event)
{
	free(event);
}

bool event_is_about_nothing(const struct event *event)
{
	return event->has_capsule && uuid_is_zero(&event->capsule);
}

int64_t event_stream_us(const struct event *event)
{
	const uint64_t last_ms = (uint64_t)RFC3339_LAST_US / 1000;

	return (int64_t)(event->id.ms < last_ms ? event->id.ms : last_ms) * 1000;
}

struct str event_metadata(const struct event *event, const char *name)
{
	for (size_t i = 0; i < event->metadata_count; i++) {
		if (str_is(event->metadata[i].name, name))
			return event->metadata[i].value;
	}
	return STR("");
}
