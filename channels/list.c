/* SPDX-License-Identifier: Apache-2.0 */

/*
 * GET /v1/channels: the team's channels, newest first, a page at a time.
 *
 * The answer stays the bare array that clients know; where more follows, the `Link` header leads to the
 * next page (RFC 8288). The limit of channels that are created here fits on one page, so only teams
 * whose channels were made elsewhere ever see it.
 */
#include <errno.h>
#include <stdio.h>

#include "channels/endpoints.h"
#include "channels/errand.h"
#include "channels/rows.h"
#include "channels/views.h"
#include "core/id.h"
#include "core/rfc3339.h"

struct listing {
	struct errand errand;
	struct channel_page page;
	bool has_before;
	bool has_before_id;
	bool has_limit;
};

/* ---- what is asked for --------------------------------------------------------------------- */

static int read_limit(struct listing *listing, struct str value, struct reason *why)
{
	unsigned long long limit = 0;

	if (!str_to_u64(value, &limit) || limit == 0)
		return reason_set(why, -EINVAL, "limit", "limit must be a whole number above zero");
	listing->page.limit = limit > VIEW_MAX_ROWS ? VIEW_MAX_ROWS : (unsigned)limit;
	return 0;
}

static int read_before(struct listing *listing, struct str value, struct reason *why)
{
	if (rfc3339_parse(value, &listing->page.before_us) == 0)
		return 0;
	return reason_set(why, -EINVAL, "before",
			  "before must be an RFC 3339 time with its offset (write + as %%2B)");
}

static int read_before_id(struct listing *listing, struct str value, struct reason *why)
{
	if (id_parse(ID_CHANNEL, value, &listing->page.before_id) == 0)
		return 0;
	return reason_set(why, -EINVAL, "before_id", "before_id must be an id of the form ch-...");
}

static int read_once(struct listing *listing, bool *is_read, const char *name, struct str value,
		     struct reason *why)
{
	if (*is_read)
		return reason_set(why, -EINVAL, name, "%s may be given once", name);
	*is_read = true;
	if (is_read == &listing->has_limit)
		return read_limit(listing, value, why);
	if (is_read == &listing->has_before)
		return read_before(listing, value, why);
	return read_before_id(listing, value, why);
}

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	struct listing *listing = arg;

	if (str_is(name, "limit"))
		return read_once(listing, &listing->has_limit, "limit", value, why);
	if (str_is(name, "before"))
		return read_once(listing, &listing->has_before, "before", value, why);
	if (str_is(name, "before_id"))
		return read_once(listing, &listing->has_before_id, "before_id", value, why);
	return 0;
}

static int read_query(struct listing *listing, struct reason *why)
{
	struct channel_page *page = &listing->page;
	int rc;

	page->before_us = VIEW_END_OF_TIME_US;
	page->limit = VIEW_MAX_ROWS;
	rc = http_query_each(http_request_query(listing->errand.request), read_pair, listing, why);
	/* A time alone takes what is strictly older; without one there is no tie to break. */
	if (rc == 0 && !listing->has_before)
		memset(page->before_id.bytes, 0xff, sizeof(page->before_id.bytes));
	return rc;
}

/* ---- the answer ---------------------------------------------------------------------------- */

static int run_list(struct db *db, struct store_job *job)
{
	struct listing *listing = container_of(job, struct listing, errand.job);

	buf_reset(&listing->errand.json);
	return channel_list(db, &listing->errand.who.team, &listing->page, &listing->errand.json);
}

static void lead_on(const struct listing *listing)
{
	const struct channel_page *page = &listing->page;
	char time[RFC3339_TEXT_SIZE];
	char id[ID_TEXT_SIZE];
	char link[200];

	/* Six digits, as the rows have them: fewer would skip rows. */
	rfc3339_format(page->last_us, 6, time);
	id_format(ID_CHANNEL, &page->last_id, id);
	snprintf(link, sizeof(link), "</v1/channels?limit=%u&before=%s&before_id=%s>; rel=\"next\"",
		 page->limit, time, id);
	http_respond_header(listing->errand.request, "Link", str_of(link));
}

static void on_listed(struct store_job *job, int rc)
{
	struct listing *listing = container_of(job, struct listing, errand.job);

	if (rc < 0) {
		errand_fail(&listing->errand, rc);
		return;
	}
	if (listing->page.has_more)
		lead_on(listing);
	errand_answer(&listing->errand, 200);
}

void list_channels(struct http_request *request, void *owner)
{
	struct reason why = { .text = "" };
	struct errand *errand = errand_new(owner, request, sizeof(struct listing));

	if (!errand)
		return;
	if (read_query(container_of(errand, struct listing, errand), &why) < 0) {
		errand_refuse(errand, HTTP_INVALID_REQUEST, &why);
		return;
	}
	errand->job.run = run_list;
	errand->job.on_done = on_listed;
	errand_submit(errand, store_read_for_request);
}
