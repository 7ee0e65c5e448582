/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Filters: bits for kinds and outcomes, and the texts of resources in a row. A misspelt kind can
 * never match, and its listener would wait for ever, so it is refused.
 */
#include "sse/filter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct filter {
	uint16_t kinds;
	uint8_t outcomes;
	uint8_t resource_count;
	unsigned char resources[]; /* each: length (two bytes, low first), text */
};

static_assert(EVENT_KINDS <= 16, "kinds fit their bits");

void filter_draft_init(struct filter_draft *draft)
{
	*draft = (struct filter_draft){ .kinds = 0 };
	buf_init(&draft->resources, FILTER_MAX_RESOURCES * (2 + FILTER_MAX_RESOURCE));
}

void filter_draft_done(struct filter_draft *draft)
{
	buf_done(&draft->resources);
}

/* The kinds a stream can carry. */
static bool is_streamed(enum event_kind kind)
{
	return event_kind_is_subscribable(kind) || kind == EVENT_CAPSULE_STATE_CHANGED;
}

/* "capsule.*" means every kind that begins with "capsule.". "*" means all kinds that need not be
 * named. */
static unsigned kinds_of(struct str word)
{
	bool is_prefix = word.len > 0 && word.at[word.len - 1] == '*';
	struct str prefix = { .at = word.at, .len = word.len - is_prefix };
	unsigned kinds = 0;

	if (is_prefix && prefix.len > 0 && prefix.at[prefix.len - 1] != '.')
		return 0;
	for (unsigned kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++) {
		struct str name = str_of(event_kind_name(kind));
		bool is_named = prefix.len > 0 || !event_kind_is_opt_in(kind);

		if (is_streamed(kind) && is_named &&
		    (is_prefix ? str_starts(name, prefix) : str_eq(name, word)))
			kinds |= 1u << kind;
	}
	return kinds;
}

int filter_add_events(struct filter_draft *draft, struct str value, struct reason *why)
{
	struct str rest = value;

	do {
		struct str word = str_trim(str_cut(&rest, ','));
		unsigned kinds = kinds_of(word);

		if (++draft->kind_words > FILTER_MAX_KINDS)
			return reason_set(why, -EINVAL, "event", "at most %d kinds can be named",
					  FILTER_MAX_KINDS);
		if (!kinds)
			return event_kind_refuse(word, "event", is_streamed, why);
		draft->kinds |= kinds;
	} while (rest.at);
	return 0;
}

int filter_add_resource(struct filter_draft *draft, struct str value, struct reason *why)
{
	char len[2] = { (char)(value.len & 255), (char)(value.len >> 8) };

	if (value.len == 0 || value.len > FILTER_MAX_RESOURCE)
		return reason_set(why, -EINVAL, "resource", "resource must have 1 to %d bytes",
				  FILTER_MAX_RESOURCE);
	if (++draft->resource_count > FILTER_MAX_RESOURCES)
		return reason_set(why, -EINVAL, "resource", "at most %d resources can be named",
				  FILTER_MAX_RESOURCES);
	buf_add(&draft->resources, len, sizeof(len));
	buf_add_str(&draft->resources, value);
	return draft->resources.err;
}

int filter_add_outcome(struct filter_draft *draft, struct str value, struct reason *why)
{
	if (str_is(value, "success"))
		draft->outcomes |= 1u << OUTCOME_SUCCESS;
	else if (str_is(value, "error"))
		draft->outcomes |= 1u << OUTCOME_ERROR;
	else
		return reason_set(why, -EINVAL, "outcome", "outcome must be success or error");
	return 0;
}

int filter_compile(const struct filter_draft *draft, struct filter **out)
{
	struct filter *filter = NULL;
	struct str resources = buf_str(&draft->resources);

	if (draft->kinds || draft->outcomes || draft->resource_count) {
		filter = malloc(sizeof(*filter) + resources.len);
		if (!filter)
			return -ENOMEM;
		filter->kinds = (uint16_t)(draft->kinds ? draft->kinds : kinds_of(STR("*")));
		filter->outcomes = (uint8_t)draft->outcomes;
		filter->resource_count = (uint8_t)draft->resource_count;
		memcpy(filter->resources, resources.at, resources.len);
	}
	*out = filter;
	return 0;
}

static bool names_resource(const struct filter *filter, struct str resource)
{
	const unsigned char *at = filter->resources;

	for (unsigned i = 0; i < filter->resource_count; i++) {
		size_t len = at[0] | (size_t)at[1] << 8;

		if (len == resource.len && memcmp(at + 2, resource.at, len) == 0)
			return true;
		at += 2 + len;
	}
	return false;
}

bool filter_lets_through(const struct filter *filter, enum event_kind kind,
			 enum event_outcome outcome, struct str resource)
{
	if (!filter)
		return !event_kind_is_opt_in(kind);
	if (!(filter->kinds >> kind & 1))
		return false;
	if (filter->outcomes && !(filter->outcomes >> outcome & 1))
		return false;
	return !filter->resource_count || names_resource(filter, resource);
}
