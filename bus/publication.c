/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Turns the flags of the command line into the compact JSON of contract a.3. Pure. It is strict
 * where a reader is lenient: every rule of a.3 and a.4 holds. bus_publish() checks the result again
 * with the parser of the readers.
 */
#include "bus/publish.h"

#include <errno.h>
#include <stdlib.h>

#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

static const struct kind_rule {
	enum event_kind kind;
	const char *resource_type;
	enum id_kind id_kind; /* ID_KINDS: any name */
	bool has_outcome;
} kind_rules[] = {
	{ EVENT_CAPSULE_CREATE, "sandbox", ID_CAPSULE, true },
	{ EVENT_CAPSULE_PAUSE, "sandbox", ID_CAPSULE, true },
	{ EVENT_CAPSULE_RESUME, "sandbox", ID_CAPSULE, true },
	{ EVENT_CAPSULE_DESTROY, "sandbox", ID_CAPSULE, true },
	{ EVENT_SNAPSHOT_CREATE, "snapshot", ID_KINDS, true },
	{ EVENT_SNAPSHOT_DELETE, "snapshot", ID_KINDS, true },
	{ EVENT_HOST_UP, "host", ID_HOST, false },
	{ EVENT_HOST_DOWN, "host", ID_HOST, false },
	{ EVENT_CAPSULE_STATE_CHANGED, "sandbox", ID_CAPSULE, false },
};

static const struct kind_rule *find_rule(struct str name)
{
	enum event_kind kind = event_kind_find(name);

	for (size_t i = 0; i < ARRAY_LEN(kind_rules); i++) {
		if (kind != EVENT_UNKNOWN && kind_rules[i].kind == kind)
			return &kind_rules[i];
	}
	return NULL;
}

static bool is_published(enum event_kind kind)
{
	return find_rule(str_of(event_kind_name(kind))) != NULL;
}

static bool is_text(struct str text)
{
	return utf8_is_valid(text) && !memchr(text.at ? text.at : "", '\0', text.len);
}

static int check_outcome(const struct bus_publication *p, const struct kind_rule *rule,
			 struct reason *why)
{
	if (p->outcome.len > 0 && !rule->has_outcome)
		return reason_set(why, -EINVAL, "outcome", "%.*s has no outcome",
				  STR_ARGS(p->kind));
	if (p->outcome.len > 0 && !str_is(p->outcome, "success") && !str_is(p->outcome, "error"))
		return reason_set(why, -EINVAL, "outcome", "the outcome must be success or error");
	if (p->error.len > 0 && !str_is(p->outcome, "error"))
		return reason_set(why, -EINVAL, "error",
				  "an error text is allowed only with outcome error");
	return 0;
}

static int check_actor(const struct bus_publication *p, struct reason *why)
{
	struct uuid id;
	enum id_kind kind = str_is(p->actor_type, "user") ? ID_USER : ID_KEY;

	if (p->actor_type.len == 0 || str_is(p->actor_type, "system")) {
		if (p->actor_id.len > 0 || p->actor_name.len > 0)
			return reason_set(why, -EINVAL, "actor",
					  "the actor system has neither id nor name");
		return 0;
	}
	if (!str_is(p->actor_type, "user") && !str_is(p->actor_type, "api_key"))
		return reason_set(why, -EINVAL, "actor",
				  "the actor must be user, api_key or system");
	if (p->actor_id.len > 0 && id_parse(kind, p->actor_id, &id) != 0)
		return reason_set(why, -EINVAL, "actor_id", "the actor's id must be %s-...",
				  kind == ID_USER ? "usr" : "key");
	return 0;
}

static int check_metadata(const struct bus_publication *p, struct reason *why)
{
	if (p->metadata_count > EVENT_MAX_METADATA)
		return reason_set(why, -EINVAL, "metadata", "more than %d members of metadata",
				  EVENT_MAX_METADATA);
	for (size_t i = 0; i < p->metadata_count; i++) {
		struct str name = p->metadata[i].name;

		if (name.len == 0)
			return reason_set(why, -EINVAL, "metadata", "a name is empty");
		if (!is_text(name) || !is_text(p->metadata[i].value))
			return reason_set(why, -EINVAL, "metadata", "a member is not UTF-8 text");
		for (size_t j = 0; j < i; j++) {
			if (str_eq(name, p->metadata[j].name))
				return reason_set(why, -EINVAL, "metadata", "%.*s was given twice",
						  STR_ARGS(name));
		}
	}
	return 0;
}

static int check(const struct bus_publication *p, const struct kind_rule *rule, struct reason *why)
{
	struct uuid id;
	int rc;

	if (id_parse(ID_TEAM, p->team, &id) != 0)
		return reason_set(why, -EINVAL, "team", "the team must be team- and 25 characters");
	if (p->resource_id.len == 0 || !is_text(p->resource_id) ||
	    (rule->id_kind != ID_KINDS && id_parse(rule->id_kind, p->resource_id, &id) != 0))
		return reason_set(why, -EINVAL, "resource", "not the id of a %s",
				  rule->resource_type);
	if (!is_text(p->error) || !is_text(p->actor_name))
		return reason_set(why, -EINVAL, is_text(p->error) ? "actor_name" : "error",
				  "not UTF-8 text");
	rc = check_outcome(p, rule, why);
	if (rc == 0)
		rc = check_actor(p, why);
	if (rc == 0)
		rc = check_metadata(p, why);
	return rc;
}

static void write_optional(struct buf *out, const char *name, struct str value)
{
	if (value.len > 0)
		json_add_member(out, name, value);
}

static void write_actor(struct buf *out, const struct bus_publication *p)
{
	json_add_name(out, "actor");
	buf_add_char(out, '{');
	json_add_member(out, "type", p->actor_type.len > 0 ? p->actor_type : STR("system"));
	write_optional(out, "id", p->actor_id);
	write_optional(out, "name", p->actor_name);
	buf_add_char(out, '}');
}

static void write_resource(struct buf *out, const struct bus_publication *p,
			   const struct kind_rule *rule)
{
	json_add_name(out, "resource");
	buf_add_char(out, '{');
	json_add_member(out, "id", p->resource_id);
	json_add_member(out, "type", str_of(rule->resource_type));
	buf_add_char(out, '}');
}

static int compare_names(const void *a, const void *b)
{
	const struct event_member *const *x = a;
	const struct event_member *const *y = b;
	struct str first = (*x)->name;
	struct str second = (*y)->name;
	size_t len = first.len < second.len ? first.len : second.len;
	int order = memcmp(first.at, second.at, len);

	if (order == 0 && first.len != second.len)
		order = first.len < second.len ? -1 : 1;
	return order;
}

static void write_metadata(struct buf *out, const struct bus_publication *p)
{
	const struct event_member *sorted[EVENT_MAX_METADATA];

	if (p->metadata_count == 0)
		return;
	for (size_t i = 0; i < p->metadata_count; i++)
		sorted[i] = &p->metadata[i];
	qsort(sorted, p->metadata_count, sizeof(sorted[0]), compare_names);
	json_add_name(out, "metadata");
	buf_add_char(out, '{');
	for (size_t i = 0; i < p->metadata_count; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		json_add_string(out, sorted[i]->name);
		buf_add_char(out, ':');
		json_add_string(out, sorted[i]->value);
	}
	buf_add_char(out, '}');
}

int bus_publication_write(const struct bus_publication *publication, int64_t now_us,
			  struct buf *out, struct reason *why)
{
	const struct kind_rule *rule = find_rule(publication->kind);
	char time[RFC3339_TEXT_SIZE];
	int rc;

	if (!rule)
		return event_kind_refuse(publication->kind, "event", is_published, why);
	rc = check(publication, rule, why);
	if (rc)
		return rc;
	rfc3339_format(now_us, 0, time);
	buf_add_char(out, '{');
	json_add_member(out, "event", publication->kind);
	write_optional(out, "outcome", publication->outcome);
	json_add_member(out, "timestamp", str_of(time));
	json_add_member(out, "team_id", publication->team);
	write_actor(out, publication);
	write_resource(out, publication, rule);
	write_metadata(out, publication);
	write_optional(out, "error", publication->error);
	buf_add_char(out, '}');
	if (out->err == -E2BIG)
		return reason_set(why, -EINVAL, "", "the event is longer than %d bytes",
				  EVENT_MAX_BYTES);
	return out->err;
}
