/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the parameters of the two list endpoints (contract e.2). Pure. Every fault names its
 * parameter; a parameter that takes one value may come once.
 */
#include <errno.h>
#include <stdlib.h>

#include "audit/page.h"
#include "core/id.h"
#include "core/rfc3339.h"
#include "http/http.h"

#define DEFAULT_ROWS 50

struct reading {
	struct page_query *query;
	size_t text_len;
	bool has_before;
	bool has_before_id;
	bool has_limit;
};

static int read_before(struct reading *reading, struct str value, struct reason *why)
{
	reading->has_before = true;
	if (rfc3339_parse(value, &reading->query->before_us) == 0)
		return 0;
	return reason_set(why, -EINVAL, "before",
			  "before must be an RFC 3339 time with its offset (write + as %%2B)");
}

static int read_before_id(struct reading *reading, struct str value, struct reason *why)
{
	reading->has_before_id = true;
	if (id_parse(ID_AUDIT, value, &reading->query->before_id) == 0)
		return 0;
	return reason_set(why, -EINVAL, "before_id", "before_id must be an id of the form log-...");
}

static int read_limit(struct reading *reading, struct str value, struct reason *why)
{
	unsigned limit = 0;

	reading->has_limit = true;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9') {
			limit = 0;
			break;
		}
		/* However many digits follow, it stays "above 200". */
		if (limit <= PAGE_MAX_ROWS)
			limit = limit * 10 + (unsigned)(value.at[i] - '0');
	}
	if (limit == 0)
		return reason_set(why, -EINVAL, "limit", "limit must be a whole number above zero");
	reading->query->limit = limit > PAGE_MAX_ROWS ? PAGE_MAX_ROWS : limit;
	return 0;
}

/* The text block has a byte for every byte of the raw query; decoding only shrinks it. */
static struct str keep(struct reading *reading, struct str value)
{
	char *copy = reading->query->text + reading->text_len;

	memcpy(copy, value.at, value.len);
	reading->text_len += value.len;
	return (struct str){ .at = copy, .len = value.len };
}

static int read_filter(struct reading *reading, struct page_filter *filter, const char *name,
		       struct str value, struct reason *why)
{
	while (value.at) {
		struct str piece = str_trim(str_cut(&value, ','));

		if (piece.len == 0)
			continue;
		if (filter->count == PAGE_MAX_VALUES)
			return reason_set(why, -EINVAL, name, "%s takes at most %d values", name,
					  PAGE_MAX_VALUES);
		filter->values[filter->count++] = keep(reading, piece);
	}
	return 0;
}

static int read_once(struct reading *reading, bool is_there, const char *name, struct str value,
		     int (*read)(struct reading *reading, struct str value, struct reason *why),
		     struct reason *why)
{
	if (is_there)
		return reason_set(why, -EINVAL, name, "%s may be given once", name);
	return read(reading, value, why);
}

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	struct reading *reading = arg;
	struct page_query *query = reading->query;

	if (str_is(name, "before"))
		return read_once(reading, reading->has_before, "before", value, read_before, why);
	if (str_is(name, "before_id"))
		return read_once(reading, reading->has_before_id, "before_id", value,
				 read_before_id, why);
	if (str_is(name, "limit"))
		return read_once(reading, reading->has_limit, "limit", value, read_limit, why);
	if (str_is(name, "resource_type"))
		return read_filter(reading, &query->resource_types, "resource_type", value, why);
	if (str_is(name, "action"))
		return read_filter(reading, &query->actions, "action", value, why);
	return 0;
}

int page_query_parse(struct str query, struct page_query *out, struct reason *why)
{
	struct reading reading = { .query = out };
	int rc;

	*out = (struct page_query){ .before_us = RFC3339_LAST_US, .limit = DEFAULT_ROWS };
	out->text = malloc(query.len + 1);
	if (!out->text)
		return -ENOMEM;

	rc = http_query_each(query, read_pair, &reading, why);
	if (rc < 0) {
		page_query_done(out);
		return rc;
	}
	/* No id is below the zero id, so a time alone takes what is strictly older; no time at
	 * all takes everything, and before_id has nothing to break a tie of. */
	if (!reading.has_before)
		memset(out->before_id.bytes, 0xff, sizeof(out->before_id.bytes));
	return 0;
}

void page_query_done(struct page_query *query)
{
	free(query->text);
	query->text = NULL;
}
