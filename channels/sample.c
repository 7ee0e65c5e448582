/* SPDX-License-Identifier: Apache-2.0 */

/* Ids are well-formed and belong to nobody. Hosts are the vendors' own, or reserved. */
#include "channels/sample.h"

#include "core/json.h"
#include "core/rfc3339.h"

#define ID_DIGITS_TEXT "0000000000000000000000001"

void sample_test(struct event *out, struct str timestamp)
{
	const struct str none = STR("");
	int64_t time_us;

	if (rfc3339_parse(timestamp, &time_us) < 0)
		time_us = 0;

	*out = (struct event){
		.kind = EVENT_CHANNEL_TEST,
		.actor = ACTOR_SYSTEM,
		.kind_text = str_of(event_kind_name(EVENT_CHANNEL_TEST)),
		.team_text = STR("test"),
		.timestamp = timestamp,
		.time_us = time_us,
		.actor_type = STR("system"),
		.actor_id = none,
		.actor_name = none,
		.resource_id = STR("test"),
		.resource_type = STR("channel"),
		.reason = none,
		.error = none,
		.public_error = none,
		.sandbox = none,
		.payload = none,
	};
}

/* ---- an event ---------------------------------------------------------------------------- */

static void write_party(struct buf *out, const char *name, const char *id, const char *type)
{
	json_add_name(out, name);
	buf_add_char(out, '{');
	json_add_member(out, "id", str_of(id));
	json_add_member(out, "type", str_of(type));
	buf_add_char(out, '}');
}

static void write_actor(struct buf *out, bool is_system)
{
	json_add_name(out, "actor");
	if (is_system) {
		buf_add_text(out, "{\"type\":\"system\"}");
		return;
	}
	buf_add_char(out, '{');
	json_add_member(out, "type", STR("user"));
	json_add_member(out, "id", STR("usr-" ID_DIGITS_TEXT));
	json_add_member(out, "name", STR("Ada"));
	buf_add_char(out, '}');
}

static void write_host_event(struct buf *out)
{
	write_actor(out, true);
	write_party(out, "resource", "host-" ID_DIGITS_TEXT, "host");
}

static void write_missed(struct buf *out)
{
	write_party(out, "resource", "base-image", "snapshot");
	buf_add_text(out, ",\"metadata\":{\"rule\":\"snapshot\"},"
			  "\"error\":\"asked for at 10:02 UTC, no outcome after 15 min\"");
}

static void write_checkpoint(struct buf *out)
{
	write_party(out, "resource", "1200", "audit_log");
	buf_add_text(out, ",\"metadata\":{\"size\":\"1200\",\"note\":"
			  "\"events.example.com/audit/team-...\"}");
}

void sample_write(struct buf *out, enum event_kind kind, bool is_completion, struct str team,
		  struct str timestamp)
{
	bool is_host = kind == EVENT_HOST_UP || kind == EVENT_HOST_DOWN;
	bool is_missed = kind == EVENT_EXPECTATION_MISSED;
	bool is_checkpoint = kind == EVENT_AUDIT_CHECKPOINT;

	buf_add_char(out, '{');
	json_add_member(out, "event", str_of(event_kind_name(kind)));
	if (!is_host)
		json_add_member(out, "outcome", is_missed ? STR("error") : STR("success"));
	json_add_member(out, "timestamp", timestamp);
	json_add_member(out, "team_id", team);
	if (is_host) {
		write_host_event(out);
	} else {
		write_actor(out, is_completion || is_missed || is_checkpoint);
		if (event_kind_is_capsule(kind))
			write_party(out, "resource", "cl-" ID_DIGITS_TEXT, "sandbox");
		else if (is_missed)
			write_missed(out);
		else if (is_checkpoint)
			write_checkpoint(out);
		else if (kind == EVENT_VOLUME_CREATE || kind == EVENT_VOLUME_DELETE)
			write_party(out, "resource", "vol-" ID_DIGITS_TEXT, "volume");
		else
			write_party(out, "resource", "base-image", "snapshot");
	}
	buf_add_char(out, '}');
}

/* ---- a digest ---------------------------------------------------------------------------- */

int sample_trail(enum event_kind kind, bool is_completion, char out[TRAIL_SIZE])
{
	const struct stream_id none = { .ms = 0 };
	struct event *event = NULL;
	struct buf json;
	int rc;

	kind = event_kind_is_capsule(kind) ? EVENT_CAPSULE_CREATE : EVENT_SNAPSHOT_CREATE;
	buf_init(&json, EVENT_MAX_BYTES);
	sample_write(&json, kind, is_completion, STR("team-" ID_DIGITS_TEXT),
		     STR("2026-01-01T00:00:00Z"));
	rc = json.err ? json.err : event_parse(buf_str(&json), none, &event, NULL);
	out[0] = '\0';
	if (rc == 0)
		trail_add(out, event);
	event_free(event);
	buf_done(&json);
	return rc;
}

void sample_digest(struct digest *out, struct str team, struct str first, struct str last)
{
	*out = (struct digest){
		.team_text = team,
		.first = first,
		.last = last,
		.total = 50,
		.group_count = 2,
		.groups = { { .event = STR("capsule.destroy"),
			      .outcome = STR("error"),
			      .count = 2 },
			    { .event = STR("capsule.destroy"),
			      .outcome = STR("success"),
			      .count = 48 } },
		.failure_count = 2,
		.failures = { { .event = STR("capsule.destroy"),
				.resource_id = STR("cl-0000000000000000000000001"),
				.error = STR("the host did not answer") },
			      { .event = STR("capsule.destroy"),
				.resource_id = STR("cl-0000000000000000000000002"),
				.error = STR("the host did not answer") } },
	};
}

/* ---- settings ---------------------------------------------------------------------------- */

void sample_config(struct provider_config *out, const struct provider *provider)
{
	const struct provider_field *fields = provider->fields;

	*out = (struct provider_config){ .count = 0 };
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS && fields[i].name; i++) {
		out->fields[i].name = fields[i].name;
		out->fields[i].value = str_of(fields[i].example);
		out->count++;
	}
}
