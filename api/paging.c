/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the parameters one by one as http_query_each() gives them. Every fault names its parameter.
 */
#include "api/paging.h"

#include <errno.h>
#include <string.h>

#include "core/rfc3339.h"

int parameter_once(bool *is_given, const char *name, struct reason *why)
{
	if (*is_given)
		return reason_set(why, -EINVAL, name, "%s may be given once", name);
	*is_given = true;
	return 0;
}

int parameter_time(struct str text, const char *name, int64_t now_us, int64_t *out_us,
		   struct reason *why)
{
	int64_t back_ms;

	if (duration_parse(text, &back_ms) == 0) {
		*out_us = now_us - back_ms * 1000;
		return 0;
	}
	if (rfc3339_parse(text, out_us) == 0)
		return 0;
	return reason_set(why, -EINVAL, name,
			  "%s must be an RFC 3339 time with its offset (write + as %%2B), or a "
			  "duration such as 90s, 10m, 2h or 3d",
			  name);
}

static int read_before(struct paging *paging, struct str value, struct reason *why)
{
	if (rfc3339_parse(value, &paging->before_us) == 0)
		return 0;
	return reason_set(why, -EINVAL, "before",
			  "before must be an RFC 3339 time with its offset (write + as %%2B)");
}

static int read_before_id(struct paging *paging, struct str value, struct reason *why)
{
	if (paging->ids->parse(value, &paging->before_id) == 0)
		return 0;
	return reason_set(why, -EINVAL, "before_id", "before_id must be %s", paging->ids->expected);
}

static int read_limit(struct paging *paging, struct str value, struct reason *why)
{
	unsigned limit = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9') {
			limit = 0;
			break;
		}
		/* However many digits follow, the number stays above the maximum. */
		if (limit <= PAGING_MAX_ROWS)
			limit = limit * 10 + (unsigned)(value.at[i] - '0');
	}
	if (limit == 0)
		return reason_set(why, -EINVAL, "limit", "limit must be a whole number above zero");
	paging->limit = limit > PAGING_MAX_ROWS ? PAGING_MAX_ROWS : limit;
	return 0;
}

int paging_read(struct paging *paging, struct str name, struct str value, struct reason *why)
{
	int rc;

	if (str_is(name, "before")) {
		rc = parameter_once(&paging->has_before, "before", why);
		return rc < 0 ? rc : read_before(paging, value, why);
	}
	if (str_is(name, "before_id")) {
		rc = parameter_once(&paging->has_before_id, "before_id", why);
		return rc < 0 ? rc : read_before_id(paging, value, why);
	}
	if (str_is(name, "limit")) {
		rc = parameter_once(&paging->has_limit, "limit", why);
		return rc < 0 ? rc : read_limit(paging, value, why);
	}
	return -ENOENT;
}

void paging_init(struct paging *paging, unsigned limit, const struct paging_ids *ids)
{
	*paging = (struct paging){ .ids = ids, .before_us = RFC3339_LAST_US, .limit = limit };
}

/* No id is below the zero id, so a time alone selects the rows that are strictly older. Without a
 * time there is no tie to break, so before_id is ignored and the highest id selects every row. */
void paging_finish(struct paging *paging)
{
	if (!paging->has_before)
		memset(paging->before_id.bytes, 0xff, sizeof(paging->before_id.bytes));
}
