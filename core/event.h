/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One thing that happened, parsed once from the stream's JSON and never changed afterwards
 * (contract a.3, a.4). One allocation holds the struct and all its text; references may be
 * taken and dropped on any thread.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/stream_id.h"
#include "core/uuid.h"

#define EVENT_MAX_BYTES    65536 /* of JSON */
#define EVENT_MAX_METADATA 64    /* members of `metadata` */
#define EVENT_MAX_ERROR    1024  /* bytes of `error` that we pass on (W21) */

enum event_kind {
	EVENT_UNKNOWN, /* a kind newer than we are: acknowledged, counted, ignored */
	EVENT_CAPSULE_CREATE,
	EVENT_CAPSULE_PAUSE,
	EVENT_CAPSULE_RESUME,
	EVENT_CAPSULE_DESTROY,
	EVENT_SNAPSHOT_CREATE,
	EVENT_SNAPSHOT_DELETE,
	EVENT_HOST_UP,
	EVENT_HOST_DOWN,
	EVENT_VOLUME_CREATE,
	EVENT_VOLUME_DELETE,
	EVENT_EXPECTATION_MISSED,    /* ours: a team expected an event that did not come */
	EVENT_AUDIT_CHECKPOINT,      /* ours: a checkpoint of the team's audit log */
	EVENT_CAPSULE_STATE_CHANGED, /* pub/sub only */
	EVENT_CHANNEL_TEST,          /* never in Redis */
	EVENT_KINDS
};

enum event_outcome { OUTCOME_NONE, OUTCOME_SUCCESS, OUTCOME_ERROR };
enum actor_type { ACTOR_OTHER, ACTOR_USER, ACTOR_API_KEY, ACTOR_SYSTEM };

struct event_member {
	struct str name;
	struct str value;
};

struct event {
	struct stream_id id; /* zero when it did not come from the stream */
	enum event_kind kind;
	enum event_outcome outcome;
	enum actor_type actor;
	struct uuid team;
	struct uuid capsule; /* the resource, for capsule.* kinds; else zero */
	bool has_capsule;    /* a capsule.* kind whose resource id is a well-formed cl- id */
	int64_t time_us;     /* `timestamp`, in UTC when it has no offset; 0: it is not a time */

	/* Text; the empty slice when the member was absent. Never holds NUL, which U+FFFD replaces.
	 * All are also NUL-terminated after their last byte. */
	struct str kind_text;
	struct str team_text; /* team-... */
	struct str timestamp;
	struct str actor_type;
	struct str actor_id;
	struct str actor_name;
	struct str resource_id;
	struct str resource_type;
	struct str reason; /* metadata.reason; empty when it is blank, as `error` is */
	struct str error;
	struct str public_error; /* as we may pass it on: cleaned, at most EVENT_MAX_ERROR */
	struct str sandbox;      /* the `sandbox` object as compact JSON */
	struct str payload;      /* the publisher's own bytes */
	bool payload_is_public;  /* we may pass them on unchanged: short error, no `sandbox` */

	size_t metadata_count;
	struct event_member *metadata; /* in the order of the payload */
};

/* Reads one payload. 0; -EINVAL with the fault in *why (dead letter); -ENOMEM. An unknown kind is
 * not refused: kind is EVENT_UNKNOWN and only kind_text and payload are set. Refused are wrong
 * types, a malformed team id, an unknown outcome, a metadata value that is not a string, a missing
 * event, timestamp, team_id, actor or resource, a `sandbox` that is not an object, and everything
 * json_parse_foreign() refuses. */
int event_parse(struct str payload, struct stream_id id, struct event **out,
		struct reason *why) must_check;

void event_free(struct event *event); /* accepts NULL */

/* A capsule.* event about the all-zero capsule id: a request that never had a capsule (W20). */
bool event_is_about_nothing(const struct event *event);

/* metadata[name], or the empty slice. */
struct str event_metadata(const struct event *event, const char *name);

/* When it was added to the stream, at most the end of year 9999; 0 when it did not come from
 * there. */
int64_t event_stream_us(const struct event *event);

/* Appends the event as frames show it: the members of a.3 in their order, names of metadata sorted,
 * without the closing brace, so that the caller may add more. The error is the public one. An
 * unknown actor type is written as `system`, a time without an offset gets a Z, and a timestamp
 * that is not a time becomes that of the stream. The originals are then in
 * metadata.original_actor_type and metadata.original_timestamp. Not for EVENT_UNKNOWN. */
void event_write_frame(struct buf *out, const struct event *event);

/* The body of a webhook (contract d.2): the publisher's own bytes, or the same event written again
 * when `error` was too long or it had a `sandbox`. Not for EVENT_UNKNOWN. */
void event_write_body(struct buf *out, const struct event *event);

/* The same without metadata.host_ip and metadata.host_id (W21): written again only when there is
 * one of them. */
void event_write_body_without_host(struct buf *out, const struct event *event);

/* "capsule.create" and so on; NULL for EVENT_UNKNOWN. */
const char *event_kind_name(enum event_kind kind);

/* EVENT_UNKNOWN when there is no such kind. Retired names (a.4) are not known here. */
enum event_kind event_kind_find(struct str name);

/* Refuses a word that is none of the offered kinds, and lists those: -EINVAL. */
int event_kind_refuse(struct str word, const char *field, bool (*is_offered)(enum event_kind kind),
		      struct reason *why) must_check;

/* The current kind for a stored subscription, retired names included. */
enum event_kind event_kind_find_stored(struct str name);

/* One of the kinds a channel can subscribe to; these are the durable ones. */
bool event_kind_is_subscribable(enum event_kind kind);

/* A kind that live streams carry only to listeners who name it: published clients know a closed
 * list of kinds, and this one is not in it. */
bool event_kind_is_opt_in(enum event_kind kind);

/* Any of the five capsule.* kinds. */
bool event_kind_is_capsule(enum event_kind kind);

#endif
