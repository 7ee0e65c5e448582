/* SPDX-License-Identifier: Apache-2.0 */

/* Reads the parameters of the two list endpoints (contract e.2). Pure. Every error names its
 * parameter. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "audit/page.h"
#include "core/id.h"
#include "http/http.h"

#define DEFAULT_ROWS 50

struct page_reading {
	struct page_query *query;
	size_t text_len;
};

static int parse_id(struct str text, struct uuid *out)
{
	return id_parse(ID_AUDIT, text, out);
}

static const struct paging_ids ids = { parse_id, "an id of the form log-..." };

/* The text block is as long as the raw query, since decoding only shrinks it. */
static struct str keep(struct page_reading *reading, struct str value)
{
	char *copy = reading->query->text + reading->text_len;

	memcpy(copy, value.at, value.len);
	reading->text_len += value.len;
	return (struct str){ .at = copy, .len = value.len };
}

static int read_filter(struct page_reading *reading, struct page_filter *filter, const char *name,
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

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	struct page_reading *reading = arg;
	struct page_query *query = reading->query;
	int rc = paging_read(&query->paging, name, value, why);

	if (rc != -ENOENT)
		return rc;
	if (str_is(name, "resource_type"))
		return read_filter(reading, &query->resource_types, "resource_type", value, why);
	if (str_is(name, "action"))
		return read_filter(reading, &query->actions, "action", value, why);
	return 0;
}

int page_query_parse(struct str query, struct page_query *out, struct reason *why)
{
	struct page_reading reading = { .query = out };
	int rc;

	*out = (struct page_query){ .text = malloc(query.len + 1) };
	if (!out->text)
		return -ENOMEM;
	paging_init(&out->paging, DEFAULT_ROWS, &ids);
	rc = http_query_each(query, read_pair, &reading, why);
	if (rc < 0)
		page_query_done(out);
	else
		paging_finish(&out->paging);
	return rc;
}

void page_query_done(struct page_query *query)
{
	free(query->text);
	query->text = NULL;
}
