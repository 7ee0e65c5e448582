/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the parameters of the list and the body of `recover`. Pure. A parameter that takes one
 * value may come once. States and kinds come from fixed lists, so that a misspelt one is an error
 * and does not match nothing (contract o.17).
 */
#include "views/list_query.h"

#include <errno.h>
#include <string.h>

#include "core/event.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "providers/provider.h"

#define DEFAULT_ROWS       50
#define DEFAULT_RECOVER_US (INT64_C(24) * 3600 * 1000000)

/* ---- the list -------------------------------------------------------------------------------- */

struct list_reading {
	struct list_query *query;
	int64_t now_us;
	bool has_since;
	bool has_until;
};

static const struct paging_ids ids = { uuid_parse, "the id of a delivery" };

static const char *find_state(struct str word)
{
	static const char *const states[] = { "pending", "delivered", "failed", "dropped",
					      "folded" };

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (str_is(word, states[i]))
			return states[i];
	}
	return NULL;
}

static const char *find_event(struct str word)
{
	enum event_kind kind = event_kind_find(word);

	if (str_is(word, DIGEST_EVENT))
		return DIGEST_EVENT;
	return event_kind_is_subscribable(kind) ? event_kind_name(kind) : NULL;
}

static int read_words(struct view_words *words, const char *name, struct str value,
		      const char *(*find)(struct str word), struct reason *why)
{
	while (value.at) {
		struct str piece = str_trim(str_cut(&value, ','));
		const char *word = find(piece);

		if (piece.len == 0)
			continue;
		if (!word)
			return reason_set(why, -EINVAL, name, "there is no such %s", name);
		if (words->count == VIEW_MAX_VALUES)
			return reason_set(why, -EINVAL, name, "%s takes at most %d values", name,
					  VIEW_MAX_VALUES);
		words->values[words->count++] = str_of(word);
	}
	return 0;
}

static int read_bound(struct list_reading *reading, bool *is_given, const char *name,
		      struct str value, int64_t *out_us, struct reason *why)
{
	int rc = parameter_once(is_given, name, why);

	return rc < 0 ? rc : parameter_time(value, name, reading->now_us, out_us, why);
}

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	struct list_reading *reading = arg;
	struct list_query *query = reading->query;
	int rc = paging_read(&query->paging, name, value, why);

	if (rc != -ENOENT)
		return rc;
	if (str_is(name, "state"))
		return read_words(&query->states, "state", value, find_state, why);
	if (str_is(name, "event"))
		return read_words(&query->events, "event", value, find_event, why);
	if (str_is(name, "since"))
		return read_bound(reading, &reading->has_since, "since", value, &query->since_us,
				  why);
	if (str_is(name, "until"))
		return read_bound(reading, &reading->has_until, "until", value, &query->until_us,
				  why);
	return 0;
}

int list_query_parse(struct str query, int64_t now_us, struct list_query *out, struct reason *why)
{
	struct list_reading reading = { .query = out, .now_us = now_us };
	int rc;

	*out = (struct list_query){ .until_us = RFC3339_LAST_US };
	paging_init(&out->paging, DEFAULT_ROWS, &ids);
	rc = http_query_each(query, read_pair, &reading, why);
	paging_finish(&out->paging);
	return rc;
}

/* ---- the body of a recovery ------------------------------------------------------------------ */

static int read_member(const cJSON *body, const char *name, const char **out, struct reason *why)
{
	const cJSON *member = json_get(body, name);

	*out = NULL;
	if (!member || cJSON_IsNull(member))
		return 0;
	if (!cJSON_IsString(member))
		return reason_set(why, -EINVAL, name, "%s must be a string", name);
	*out = member->valuestring;
	return 0;
}

static int read_time(const cJSON *body, const char *name, int64_t now_us, int64_t *out_us,
		     struct reason *why)
{
	const char *text;
	int rc = read_member(body, name, &text, why);

	if (rc < 0 || !text)
		return rc;
	return parameter_time(str_of(text), name, now_us, out_us, why);
}

static int read_state(const cJSON *body, struct recover_query *out, struct reason *why)
{
	const char *word;
	int rc = read_member(body, "state", &word, why);

	if (rc < 0 || !word)
		return rc;
	out->failed = strcmp(word, "failed") == 0;
	out->dropped = strcmp(word, "dropped") == 0;
	if (!out->failed && !out->dropped)
		return reason_set(why, -EINVAL, "state", "state must be failed or dropped");
	return 0;
}

static int read_body(const cJSON *body, int64_t now_us, struct recover_query *out,
		     struct reason *why)
{
	int rc;

	if (!cJSON_IsObject(body))
		return reason_set(why, -EINVAL, "", "the body must be a JSON object");
	rc = read_time(body, "since", now_us, &out->since_us, why);
	if (rc == 0)
		rc = read_time(body, "until", now_us, &out->until_us, why);
	if (rc == 0)
		rc = read_state(body, out, why);
	if (rc == 0 && out->since_us >= out->until_us)
		rc = reason_set(why, -EINVAL, "until", "until must be later than since");
	return rc;
}

int recover_query_parse(struct str body, int64_t now_us, struct recover_query *out,
			struct reason *why)
{
	cJSON *tree = NULL;
	int rc;

	*out = (struct recover_query){
		.since_us = now_us - DEFAULT_RECOVER_US,
		.until_us = RFC3339_LAST_US,
		.failed = true,
		.dropped = true,
	};
	if (body.len == 0)
		return 0;
	rc = body_parse(body, &tree, why);
	if (rc == 0)
		rc = read_body(tree, now_us, out, why);
	cJSON_Delete(tree);
	return rc;
}
