/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One table says which event makes which row of the trail (contract e.4 to e.6 and o.7).
 *
 * Pure: no clock, no store. The first rule that matches decides; if none matches there is no row.
 * Long text is cut, so that a row stays small whatever a publisher sends. Only memory for the
 * metadata can fail; metadata_buf.err then tells audit_insert().
 */
#include "audit/audit.h"
#include "audit/row_id.h"
#include "core/json.h"
#include "core/utf8.h"

#define MAX_TEXT     1024 /* bytes of one text in a row */
#define MAX_METADATA 16384
#define SECOND_US    INT64_C(1000000)
#define MINUTE_US    (60 * SECOND_US)

/* Who acted: a bit per enum actor_type. Unknown types count as the system. */
#define BY(type)   (1u << (type))
#define BY_PEOPLE  (BY(ACTOR_USER) | BY(ACTOR_API_KEY))
#define BY_SYSTEM  (BY(ACTOR_SYSTEM) | BY(ACTOR_OTHER))
#define BY_ANYBODY (BY_PEOPLE | BY_SYSTEM)

/* The outcome. An event without one only reports that something happened. */
#define WENT(outcome) (1u << (outcome))
#define WENT_WELL     (WENT(OUTCOME_SUCCESS) | WENT(OUTCOME_NONE))
#define WENT_WRONG    WENT(OUTCOME_ERROR)
#define WENT_ANYHOW   (WENT_WELL | WENT_WRONG)

/* Facts that are true or false, and which of the two a rule accepts. */
#define SAID     1u /* there is a metadata.reason */
#define UNSAID   2u
#define AFTER    1u /* a user's or key's accept event came before (a.7) */
#define ALONE    2u
#define WHATEVER 3u

/* The modes that write the row. */
#define IN_ALL     (1u << AUDIT_ALL)
#define IN_MISSING (1u << AUDIT_MISSING)
#define IN_BOTH    (IN_ALL | IN_MISSING)

/* The members of the metadata. */
#define TEMPLATE      1u
#define REASON        2u
#define PHASE         4u /* the verb that failed */
#define ERROR         8u
#define HOST_REPORTED 16u /* reason = host_reported */
#define NAME          32u /* the display name of the resource */
#define RULE          64u /* the name of the expectation */

static const struct rule {
	enum event_kind kind;
	unsigned by;
	unsigned went;
	unsigned reason;
	unsigned accept;
	unsigned modes;
	const char *action;
	const char *status;
	unsigned metadata;
} rules[] = {
	/* The first line of a row says which events it is for, the second what the trail gets. */
	/* clang-format off */
	{ EVENT_CAPSULE_CREATE,  BY_PEOPLE, WENT_WELL,  WHATEVER, WHATEVER, IN_ALL,
	  "create", "success", TEMPLATE },
	{ EVENT_CAPSULE_CREATE,  BY_PEOPLE, WENT_WRONG, WHATEVER, WHATEVER, IN_ALL,
	  "create", "error", TEMPLATE | ERROR },
	{ EVENT_CAPSULE_CREATE,  BY_SYSTEM, WENT_WELL,  UNSAID,   ALONE,    IN_ALL,
	  "create", "success", HOST_REPORTED },
	{ EVENT_CAPSULE_CREATE,  BY_SYSTEM, WENT_WELL,  SAID,     WHATEVER, IN_ALL,
	  "create", "success", REASON },
	{ EVENT_CAPSULE_CREATE,  BY_SYSTEM, WENT_WRONG, WHATEVER, WHATEVER, IN_ALL,
	  "error", "error", REASON | PHASE | ERROR },

	{ EVENT_CAPSULE_PAUSE,   BY_PEOPLE, WENT_WELL,  WHATEVER, WHATEVER, IN_ALL,
	  "pause", "success", 0 },
	{ EVENT_CAPSULE_PAUSE,   BY_PEOPLE, WENT_WRONG, WHATEVER, WHATEVER, IN_ALL,
	  "pause", "error", ERROR },
	{ EVENT_CAPSULE_PAUSE,   BY_SYSTEM, WENT_WELL,  UNSAID,   ALONE,    IN_ALL,
	  "pause", "info", HOST_REPORTED },
	{ EVENT_CAPSULE_PAUSE,   BY_SYSTEM, WENT_WELL,  SAID,     WHATEVER, IN_ALL,
	  "pause", "info", REASON },
	{ EVENT_CAPSULE_PAUSE,   BY_SYSTEM, WENT_WRONG, WHATEVER, WHATEVER, IN_BOTH,
	  "error", "error", REASON | PHASE | ERROR },

	{ EVENT_CAPSULE_RESUME,  BY_PEOPLE, WENT_WELL,  WHATEVER, WHATEVER, IN_ALL,
	  "resume", "success", 0 },
	{ EVENT_CAPSULE_RESUME,  BY_PEOPLE, WENT_WRONG, WHATEVER, WHATEVER, IN_ALL,
	  "resume", "error", ERROR },
	{ EVENT_CAPSULE_RESUME,  BY_SYSTEM, WENT_WELL,  UNSAID,   ALONE,    IN_ALL,
	  "resume", "success", HOST_REPORTED },
	{ EVENT_CAPSULE_RESUME,  BY_SYSTEM, WENT_WELL,  SAID,     WHATEVER, IN_ALL,
	  "resume", "success", REASON },
	{ EVENT_CAPSULE_RESUME,  BY_SYSTEM, WENT_WRONG, WHATEVER, WHATEVER, IN_ALL,
	  "error", "error", REASON | PHASE | ERROR },

	{ EVENT_CAPSULE_DESTROY, BY_PEOPLE, WENT_WELL,  WHATEVER, WHATEVER, IN_ALL,
	  "destroy", "warning", 0 },
	{ EVENT_CAPSULE_DESTROY, BY_PEOPLE, WENT_WRONG, WHATEVER, WHATEVER, IN_ALL,
	  "destroy", "error", ERROR },
	{ EVENT_CAPSULE_DESTROY, BY_SYSTEM, WENT_WELL,  UNSAID,   ALONE,    IN_BOTH,
	  "destroy", "warning", HOST_REPORTED },
	{ EVENT_CAPSULE_DESTROY, BY_SYSTEM, WENT_WELL,  SAID,     WHATEVER, IN_ALL,
	  "destroy", "warning", REASON },
	{ EVENT_CAPSULE_DESTROY, BY_SYSTEM, WENT_WRONG, UNSAID,   ALONE,    IN_BOTH,
	  "destroy", "error", HOST_REPORTED | ERROR },
	{ EVENT_CAPSULE_DESTROY, BY_SYSTEM, WENT_WRONG, UNSAID,   AFTER,    IN_ALL,
	  "destroy", "error", ERROR },
	{ EVENT_CAPSULE_DESTROY, BY_SYSTEM, WENT_WRONG, SAID,     WHATEVER, IN_ALL,
	  "destroy", "error", REASON | ERROR },

	{ EVENT_SNAPSHOT_CREATE, BY_ANYBODY, WENT_WELL,  WHATEVER, ALONE,    IN_ALL,
	  "create", "success", 0 },
	{ EVENT_SNAPSHOT_CREATE, BY_ANYBODY, WENT_WRONG, WHATEVER, WHATEVER, IN_BOTH,
	  "create", "error", REASON | ERROR },
	{ EVENT_SNAPSHOT_DELETE, BY_PEOPLE,  WENT_WELL,  WHATEVER, WHATEVER, IN_ALL,
	  "delete", "warning", 0 },
	{ EVENT_SNAPSHOT_DELETE, BY_PEOPLE,  WENT_WRONG, WHATEVER, WHATEVER, IN_ALL,
	  "delete", "error", ERROR },
	{ EVENT_SNAPSHOT_DELETE, BY_SYSTEM,  WENT_WELL,  WHATEVER, WHATEVER, IN_ALL,
	  "delete", "warning", REASON },
	{ EVENT_SNAPSHOT_DELETE, BY_SYSTEM,  WENT_WRONG, WHATEVER, WHATEVER, IN_ALL,
	  "delete", "error", REASON | ERROR },

	{ EVENT_VOLUME_CREATE, BY_ANYBODY, WENT_WELL,  WHATEVER, WHATEVER, IN_ALL,
	  "create", "success", NAME | REASON },
	{ EVENT_VOLUME_CREATE, BY_ANYBODY, WENT_WRONG, WHATEVER, WHATEVER, IN_ALL,
	  "create", "error", NAME | REASON | ERROR },
	{ EVENT_VOLUME_DELETE, BY_ANYBODY, WENT_WELL,  WHATEVER, WHATEVER, IN_ALL,
	  "delete", "warning", NAME | REASON },
	{ EVENT_VOLUME_DELETE, BY_ANYBODY, WENT_WRONG, WHATEVER, WHATEVER, IN_ALL,
	  "delete", "error", NAME | REASON | ERROR },

	{ EVENT_EXPECTATION_MISSED, BY_ANYBODY, WENT_WRONG, WHATEVER, WHATEVER, IN_BOTH,
	  "overdue", "error", RULE | ERROR },
	{ EVENT_EXPECTATION_MISSED, BY_ANYBODY, WENT_WELL,  WHATEVER, WHATEVER, IN_BOTH,
	  "arrived", "info", RULE },

	{ EVENT_HOST_UP,   BY_ANYBODY, WENT_ANYHOW, WHATEVER, WHATEVER, IN_ALL,
	  "marked_up", "success", 0 },
	{ EVENT_HOST_DOWN, BY_ANYBODY, WENT_ANYHOW, WHATEVER, WHATEVER, IN_ALL,
	  "marked_down", "error", 0 },
	/* clang-format on */
};

static const struct rule *find_rule(const struct event *event, const struct audit_facts *facts)
{
	unsigned reason = event->reason.len ? SAID : UNSAID;
	unsigned accept = facts->has_accept ? AFTER : ALONE;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct rule *rule = &rules[i];

		if (rule->kind == event->kind && (rule->by & BY(event->actor)) &&
		    (rule->went & WENT(event->outcome)) && (rule->reason & reason) &&
		    (rule->accept & accept))
			return rule;
	}
	return NULL;
}

static bool is_written(const struct rule *rule, enum audit_mode mode)
{
	return (rule->modes & (1u << mode)) != 0;
}

static bool is_about_host(const struct event *event)
{
	return event->kind == EVENT_HOST_UP || event->kind == EVENT_HOST_DOWN;
}

static struct str resource_type_of(const struct event *event)
{
	if (is_about_host(event))
		return STR("host");
	if (event->kind == EVENT_VOLUME_CREATE || event->kind == EVENT_VOLUME_DELETE)
		return STR("volume");
	if (event->kind == EVENT_EXPECTATION_MISSED)
		return utf8_cut(event->resource_type, MAX_TEXT);
	return event_kind_is_capsule(event->kind) ? STR("sandbox") : STR("snapshot");
}

static struct str name_of(struct str raw)
{
	return utf8_is_blank(raw) ? STR("") : utf8_cut(raw, MAX_TEXT);
}

/* Contract e.4: the host is the actor of its own events, although they name the system. The
 * dashboard shows the actor's name, and a host has only its id. */
static void fill_actor(const struct event *event, struct audit_entry *entry)
{
	struct str host =
		is_about_host(event) ? event->resource_id : event_metadata(event, "host_id");

	if (BY(event->actor) & BY_PEOPLE && !is_about_host(event)) {
		entry->actor_type = event->actor == ACTOR_USER ? STR("user") : STR("api_key");
		entry->actor_id = utf8_cut(event->actor_id, MAX_TEXT);
		entry->actor_name = name_of(event->actor_name);
		return;
	}
	entry->actor_type = host.len || is_about_host(event) ? STR("host") : STR("system");
	entry->actor_id = utf8_cut(host, MAX_TEXT);
	entry->actor_name = name_of(host);
}

static void add_cleaned(struct buf *out, const char *name, struct str value)
{
	struct buf clean;

	if (utf8_is_blank(value))
		return;
	buf_init(&clean, MAX_TEXT);
	utf8_clean(&clean, value, MAX_TEXT, true);
	if (clean.err && !out->err)
		out->err = clean.err;
	json_add_member(out, name, buf_str(&clean));
	buf_done(&clean);
}

static void write_metadata(struct buf *out, const struct event *event, unsigned members)
{
	buf_add_char(out, '{');
	if (members & TEMPLATE)
		add_cleaned(out, "template", event_metadata(event, "template"));
	if (members & NAME)
		add_cleaned(out, "name", event_metadata(event, "name"));
	if (members & RULE)
		add_cleaned(out, "rule", event_metadata(event, "rule"));
	if (members & HOST_REPORTED)
		json_add_member(out, "reason", STR("host_reported"));
	if (members & REASON)
		add_cleaned(out, "reason", event->reason);
	if (members & PHASE) /* the verb after "capsule." */
		json_add_member(
			out, "phase",
			str_from(str_of(event_kind_name(event->kind)), sizeof("capsule.") - 1));
	if (members & ERROR)
		add_cleaned(out, "error", event->error);
	buf_add_char(out, '}');
}

/* Events have whole seconds, so order the rows of one second as in the stream. Ignore the
 * publisher's clock when it is far off. */
static int64_t created_us(const struct event *event)
{
	int64_t stream_us = event_stream_us(event);
	int64_t apart_us = event->time_us - stream_us;

	if (event->time_us == 0 || apart_us > MINUTE_US || apart_us < -MINUTE_US)
		return stream_us;
	return event->time_us / SECOND_US * SECOND_US + stream_us % SECOND_US;
}

bool audit_entry_from_event(const struct event *event, enum audit_mode mode,
			    const struct audit_facts *facts, struct audit_entry *out)
{
	const struct rule *rule = find_rule(event, facts);

	if (!rule || !is_written(rule, mode) || event_is_about_nothing(event))
		return false;

	*out = (struct audit_entry){
		.team = event->team,
		.resource_type = resource_type_of(event),
		.resource_id = utf8_cut(event->resource_id, MAX_TEXT),
		.action = str_of(rule->action),
		.scope = STR("team"),
		.status = str_of(rule->status),
		.created_us = created_us(event),
	};
	row_id_make(event->id, &out->id);
	if (facts->may_be_stored)
		row_id_make_old(event->id, &out->old_id);
	fill_actor(event, out);
	buf_init(&out->metadata_buf, MAX_METADATA);
	write_metadata(&out->metadata_buf, event, rule->metadata);
	out->metadata = buf_str(&out->metadata_buf);
	return true;
}

bool audit_is_left_out(const struct event *event, enum audit_mode mode,
		       const struct audit_facts *facts)
{
	const struct rule *rule = find_rule(event, facts);

	return mode == AUDIT_MISSING && rule && !is_written(rule, mode) &&
	       !event_is_about_nothing(event);
}

void audit_entry_done(struct audit_entry *entry)
{
	buf_done(&entry->metadata_buf);
}
