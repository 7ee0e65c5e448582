/* SPDX-License-Identifier: Apache-2.0 */

/* Parses the two sides strictly: a rule with a misspelt member would match too many events. */
#include "expect/rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/json.h"

#define MAX_KINDS 4 /* of `without` */

static const struct form {
	const char *name;
	const char *json;
} forms[] = {
	{ "snapshot", "{\"after\":{\"request\":\"template.snapshot.create\"},"
		      "\"without\":{\"event\":[\"template.snapshot.create\"]},\"within_s\":900}" },
	{ "capsule", "{\"after\":{\"event\":\"capsule.create\",\"outcome\":\"success\","
		     "\"filter\":{\"actor.type\":[\"user\",\"api_key\"]}},"
		     "\"without\":{\"event\":[\"capsule.create\",\"capsule.destroy\"],"
		     "\"filter\":{\"actor.type\":[\"system\"]}},\"within_s\":300}" },
	{ "host", "{\"after\":{\"event\":\"host.down\"},\"without\":{\"event\":[\"host.up\"]},"
		  "\"within_s\":600}" },
};

bool expect_name_is_good(struct str name)
{
	if (name.len == 0 || name.len >= EXPECT_NAME_SIZE)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' &&
		    c != '_')
			return false;
	}
	return true;
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static const char *type_of(enum event_kind kind)
{
	switch (kind) {
	case EVENT_HOST_UP:
	case EVENT_HOST_DOWN:
		return "host";
	case EVENT_VOLUME_CREATE:
	case EVENT_VOLUME_DELETE:
		return "volume";
	case EVENT_SNAPSHOT_CREATE:
	case EVENT_SNAPSHOT_DELETE:
		return "snapshot";
	default:
		return "sandbox";
	}
}

/* A rule about our own notices could trigger itself for ever. */
static bool is_offered(enum event_kind kind)
{
	return event_kind_is_subscribable(kind) && kind != EVENT_EXPECTATION_MISSED;
}

static const char *type_of_side(const struct expect_side *side)
{
	for (enum event_kind kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++) {
		if (side->kinds & 1u << kind)
			return type_of(kind);
	}
	return "";
}

const char *expect_rule_resource_type(const struct expect_rule *rule)
{
	return type_of_side(&rule->without);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int read_kind(const cJSON *item, const char *field, struct expect_side *out,
		     struct reason *why)
{
	struct str word = str_of(cJSON_IsString(item) ? item->valuestring : "");
	enum event_kind kind = event_kind_find(word);

	if (!is_offered(kind))
		return event_kind_refuse(word, field, is_offered, why);
	out->kinds |= 1u << kind;
	return 0;
}

static int read_kinds(const cJSON *value, const char *field, struct expect_side *out,
		      struct reason *why)
{
	int count = cJSON_GetArraySize(value);
	const cJSON *item;

	if (!cJSON_IsArray(value))
		return read_kind(value, field, out, why);
	if (count < 1 || count > MAX_KINDS)
		return reason_set(why, -EINVAL, field, "%s must be a kind, or a list of 1 to %d",
				  field, MAX_KINDS);
	cJSON_ArrayForEach(item, value)
	{
		int rc = read_kind(item, field, out, why);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_outcome(const cJSON *value, const char *field, struct expect_side *out,
			struct reason *why)
{
	struct str word = str_of(cJSON_IsString(value) ? value->valuestring : "");

	if (!str_is(word, "success") && !str_is(word, "error"))
		return reason_set(why, -EINVAL, field, "%s must be success or error", field);
	out->outcome = str_is(word, "error") ? OUTCOME_ERROR : OUTCOME_SUCCESS;
	return 0;
}

static bool is_empty(const struct event_filter *filter)
{
	for (size_t i = 0; i < EVENT_FILTER_RULES; i++) {
		if (filter->rules[i].count)
			return false;
	}
	return true;
}

static int read_filter(const cJSON *value, const char *side, struct expect_side *out,
		       struct reason *why)
{
	struct event_filter filter;
	struct reason inner = { .text = "" };
	char field[64];
	int rc;

	rc = event_filter_read(value, &filter, &inner);
	snprintf(field, sizeof(field), "%s.%s", side, inner.field);
	if (rc < 0)
		return reason_set(why, rc, field, "%s.%s", side, inner.text);
	if (is_empty(&filter))
		return 0;
	out->filter = malloc(sizeof(*out->filter));
	if (!out->filter)
		return -ENOMEM;
	*out->filter = filter;
	out->filter_json = value;
	return 0;
}

static int read_side(const cJSON *object, const char *side, struct expect_side *out,
		     struct reason *why)
{
	static const char *const names[] = { "event", "outcome", "filter", NULL };
	const cJSON *event = json_get(object, "event");
	const cJSON *outcome = json_get(object, "outcome");
	const cJSON *filter = json_get(object, "filter");
	char field[64];
	int rc;

	if (!event)
		return reason_set(why, -EINVAL, side, "%s must be an object with the member event",
				  side);
	rc = json_check_object(object, names, side, why);
	snprintf(field, sizeof(field), "%s.event", side);
	if (rc == 0)
		rc = read_kinds(event, field, out, why);
	snprintf(field, sizeof(field), "%s.outcome", side);
	if (rc == 0 && outcome)
		rc = read_outcome(outcome, field, out, why);
	if (rc == 0 && filter)
		rc = read_filter(filter, side, out, why);
	return rc;
}

static int read_after(const cJSON *object, struct expect_rule *out, struct reason *why)
{
	const char *request = json_get_string(object, "request");

	if (!cJSON_IsObject(object) || !json_get(object, "request"))
		return read_side(object, "after", &out->after, why);
	if (!request || strcmp(request, "template.snapshot.create") != 0 ||
	    cJSON_GetArraySize(object) != 1)
		return reason_set(why, -EINVAL, "after.request",
				  "after.request must be template.snapshot.create, and after must "
				  "have no other member");
	out->is_of_request = true;
	return 0;
}

static int read_within(const cJSON *value, struct expect_rule *out, struct reason *why)
{
	double seconds = cJSON_IsNumber(value) ? value->valuedouble : 0;

	if (!(seconds >= EXPECT_MIN_WITHIN_S && seconds <= EXPECT_MAX_WITHIN_S) ||
	    seconds != (double)(int64_t)seconds)
		return reason_set(why, -EINVAL, "within_s",
				  "within_s must be a whole number of seconds from %d to %d",
				  EXPECT_MIN_WITHIN_S, EXPECT_MAX_WITHIN_S);
	out->within_ms = (int64_t)seconds * 1000;
	return 0;
}

/* Both sides must be about one type of resource, or Y could never match the resource of X. */
static int check_side(const struct expect_side *side, const char *field, const char *type,
		      struct reason *why)
{
	for (enum event_kind kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++) {
		if (side->kinds & 1u << kind && strcmp(type_of(kind), type) != 0)
			return reason_set(why, -EINVAL, field,
					  "%s is not about a %s, as another event of the rule is",
					  event_kind_name(kind), type);
	}
	return 0;
}

static int check_types(const struct expect_rule *rule, struct reason *why)
{
	const char *type = rule->is_of_request ? "snapshot" : type_of_side(&rule->after);
	int rc = check_side(&rule->after, "after.event", type, why);

	return rc < 0 ? rc : check_side(&rule->without, "without.event", type, why);
}

static int read_whole(const cJSON *object, struct expect_rule *out, struct reason *why)
{
	int rc = read_after(json_get(object, "after"), out, why);

	if (rc == 0)
		rc = read_side(json_get(object, "without"), "without", &out->without, why);
	if (rc == 0)
		rc = read_within(json_get(object, "within_s"), out, why);
	return rc < 0 ? rc : check_types(out, why);
}

static int read_form(const cJSON *object, struct expect_rule *out, struct reason *why)
{
	struct str name = str_of(json_get_string(object, "form"));
	const cJSON *within = json_get(object, "within_s");
	size_t i = 0;
	int rc;

	while (i < ARRAY_LEN(forms) && !str_is(name, forms[i].name))
		i++;
	if (i == ARRAY_LEN(forms))
		return reason_set(why, -EINVAL, "form", "form must be snapshot, capsule or host");
	if (json_get(object, "after") || json_get(object, "without"))
		return reason_set(why, -EINVAL, "form",
				  "form stands for after and without; send one or the other");
	rc = expect_rule_parse(str_of(forms[i].json), out);
	return rc < 0 || !within ? rc : read_within(within, out, why);
}

/* Only for requests: rules that older versions stored may not pass. */
static int check_filter(const struct expect_side *side, const char *name, struct reason *why)
{
	struct reason inner = { .text = "" };
	int rc = side->filter ? event_filter_check(side->filter, &inner) : 0;
	char field[64];

	snprintf(field, sizeof(field), "%s.%s", name, inner.field);
	return rc == 0 ? 0 : reason_set(why, rc, field, "%s.%s", name, inner.text);
}

int expect_rule_read(const cJSON *object, struct expect_rule *out, struct reason *why)
{
	struct expect_rule rule = { .within_ms = 0 };
	int rc = json_get(object, "form") ? read_form(object, &rule, why)
					  : read_whole(object, &rule, why);

	if (rc == 0)
		rc = check_filter(&rule.after, "after", why);
	if (rc == 0)
		rc = check_filter(&rule.without, "without", why);
	if (rc < 0)
		expect_rule_done(&rule);
	else
		*out = rule;
	return rc;
}

int expect_rule_parse(struct str json, struct expect_rule *out)
{
	struct expect_rule rule = { .within_ms = 0 };
	struct reason why = { .text = "" };
	cJSON *tree = NULL;
	int rc = json_parse(json, EXPECT_MAX_BYTES, &tree, NULL);

	if (rc == 0)
		rc = read_whole(tree, &rule, &why);
	rule.tree = tree;
	if (rc < 0)
		expect_rule_done(&rule);
	else
		*out = rule;
	return rc;
}

void expect_rule_done(struct expect_rule *rule)
{
	free(rule->after.filter);
	free(rule->without.filter);
	cJSON_Delete(rule->tree);
	*rule = (struct expect_rule){ .tree = NULL };
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_side(struct buf *out, const char *name, const struct expect_side *side)
{
	bool is_first = true;

	json_add_name(out, name);
	buf_add_text(out, "{\"event\":[");
	for (enum event_kind kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++) {
		if (!(side->kinds & 1u << kind))
			continue;
		buf_addf(out, "%s\"%s\"", is_first ? "" : ",", event_kind_name(kind));
		is_first = false;
	}
	buf_add_char(out, ']');
	if (side->outcome != OUTCOME_NONE)
		json_add_member(out, "outcome",
				side->outcome == OUTCOME_ERROR ? STR("error") : STR("success"));
	if (side->filter) {
		json_add_name(out, "filter");
		json_add_value(out, side->filter_json);
	}
	buf_add_char(out, '}');
}

void expect_rule_write(struct buf *out, const struct expect_rule *rule)
{
	if (rule->is_of_request) {
		json_add_name(out, "after");
		buf_add_text(out, "{\"request\":\"template.snapshot.create\"}");
	} else {
		write_side(out, "after", &rule->after);
	}
	write_side(out, "without", &rule->without);
	json_add_name(out, "within_s");
	buf_addf(out, "%lld", (long long)(rule->within_ms / 1000));
}

/* ---- using it -------------------------------------------------------------------------------- */

static bool has(const struct expect_side *side, const struct event *event)
{
	return side->kinds & 1u << event->kind &&
	       (side->outcome == OUTCOME_NONE || side->outcome == event->outcome) &&
	       (!side->filter || !event_filter_refusal(side->filter, event));
}

bool expect_rule_arms(const struct expect_rule *rule, const struct event *event)
{
	return has(&rule->after, event);
}

bool expect_rule_meets(const struct expect_rule *rule, const struct event *event)
{
	return has(&rule->without, event);
}
