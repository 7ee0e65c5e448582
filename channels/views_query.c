/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads what is asked of the delivery endpoints: the list's parameters and the body of `recover`.
 * Pure. A parameter that takes one value may come once; states and kinds have fixed lists, so that a
 * misspelt one is told instead of matching nothing (contract o.17).
 */
#include <errno.h>

#include "channels/draft.h"
#include "channels/views.h"
#include "core/event.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "providers/provider.h"

#define DEFAULT_ROWS       50
#define DEFAULT_RECOVER_US (INT64_C(24) * 3600 * 1000000)

int view_time_parse(struct str text, const char *field, int64_t now_us, int64_t *out_us,
		    struct reason *why)
{
	int64_t back_ms;

	if (duration_parse(text, &back_ms) == 0) {
		*out_us = now_us - back_ms * 1000;
		return 0;
	}
	if (rfc3339_parse(text, out_us) == 0)
		return 0;
	return reason_set(why, -EINVAL, field,
			  "%s must be an RFC 3339 time with its offset (write + as %%2B), or a "
			  "duration such as 90s, 10m, 2h or 3d",
			  field);
}

/* ---- the list -------------------------------------------------------------------------------- */

struct reading {
	struct list_query *query;
	int64_t now_us;
	bool has_before;
	bool has_before_id;
	bool has_limit;
	bool has_since;
	bool has_until;
};

static int once(bool *has, const char *name, struct reason *why)
{
	if (*has)
		return reason_set(why, -EINVAL, name, "%s may be given once", name);
	*has = true;
	return 0;
}

static int read_before(struct reading *reading, struct str value, struct reason *why)
{
	if (once(&reading->has_before, "before", why) < 0)
		return -EINVAL;
	if (rfc3339_parse(value, &reading->query->before_us) == 0)
		return 0;
	return reason_set(why, -EINVAL, "before",
			  "before must be an RFC 3339 time with its offset (write + as %%2B)");
}

static int read_before_id(struct reading *reading, struct str value, struct reason *why)
{
	if (once(&reading->has_before_id, "before_id", why) < 0)
		return -EINVAL;
	if (uuid_parse(value, &reading->query->before_id) == 0)
		return 0;
	return reason_set(why, -EINVAL, "before_id", "before_id must be the id of a delivery");
}

static int read_limit(struct reading *reading, struct str value, struct reason *why)
{
	unsigned limit = 0;

	if (once(&reading->has_limit, "limit", why) < 0)
		return -EINVAL;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9') {
			limit = 0;
			break;
		}
		/* However many digits follow, it stays "above 200". */
		if (limit <= VIEW_MAX_ROWS)
			limit = limit * 10 + (unsigned)(value.at[i] - '0');
	}
	if (limit == 0)
		return reason_set(why, -EINVAL, "limit", "limit must be a whole number above zero");
	reading->query->limit = limit > VIEW_MAX_ROWS ? VIEW_MAX_ROWS : limit;
	return 0;
}

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

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	struct reading *reading = arg;
	struct list_query *query = reading->query;

	if (str_is(name, "before"))
		return read_before(reading, value, why);
	if (str_is(name, "before_id"))
		return read_before_id(reading, value, why);
	if (str_is(name, "limit"))
		return read_limit(reading, value, why);
	if (str_is(name, "state"))
		return read_words(&query->states, "state", value, find_state, why);
	if (str_is(name, "event"))
		return read_words(&query->events, "event", value, find_event, why);
	if (str_is(name, "since"))
		return once(&reading->has_since, "since", why) < 0
			       ? -EINVAL
			       : view_time_parse(value, "since", reading->now_us, &query->since_us,
						 why);
	if (str_is(name, "until"))
		return once(&reading->has_until, "until", why) < 0
			       ? -EINVAL
			       : view_time_parse(value, "until", reading->now_us, &query->until_us,
						 why);
	return 0;
}

int list_query_parse(struct str query, int64_t now_us, struct list_query *out, struct reason *why)
{
	struct reading reading = { .query = out, .now_us = now_us };
	int rc;

	*out = (struct list_query){
		.before_us = VIEW_END_OF_TIME_US,
		.until_us = VIEW_END_OF_TIME_US,
		.limit = DEFAULT_ROWS,
	};
	rc = http_query_each(query, read_pair, &reading, why);
	/* A time alone takes what is strictly older; without one there is no tie to break. */
	if (rc == 0 && !reading.has_before)
		memset(out->before_id.bytes, 0xff, sizeof(out->before_id.bytes));
	return rc;
}

/* ---- recover --------------------------------------------------------------------------------- */

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
	return view_time_parse(str_of(text), name, now_us, out_us, why);
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
		.until_us = VIEW_END_OF_TIME_US,
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
