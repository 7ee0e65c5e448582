/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the query strictly: every known parameter must be well formed and not empty, and only
 * filters may repeat. Ignores unknown parameters, which newer clients may send.
 */
#include "sse/query.h"

#include <errno.h>
#include <stdlib.h>

#include "core/rfc3339.h"
#include "http/http.h"

struct reading {
	struct stream_query query;
	struct filter_draft draft;
	int64_t now_ms;
	bool has_last_id;
	bool has_since;
	bool has_timeout;
};

static int read_last_id(struct reading *r, struct str value, struct reason *why)
{
	if (r->has_last_id)
		return reason_set(why, -EINVAL, "last_event_id", "last_event_id was given twice");
	r->has_last_id = true;
	if (stream_id_parse(value, &r->query.cursor) < 0)
		return reason_set(why, -EINVAL, "last_event_id",
				  "last_event_id must look like 1779598928123-0");
	r->query.start = START_ID;
	return 0;
}

/* Right before that millisecond, so its own events come after the cursor. */
static struct stream_id cursor_before(int64_t ms)
{
	return stream_id_previous((struct stream_id){ .ms = ms > 0 ? (uint64_t)ms : 0 });
}

static int read_since(struct reading *r, struct str value, struct reason *why)
{
	int64_t time_us;
	int64_t back_ms;

	if (r->has_since)
		return reason_set(why, -EINVAL, "since", "since was given twice");
	r->has_since = true;
	r->query.start = START_TIME;
	if (str_is(value, "earliest")) {
		r->query.start = START_EARLIEST;
		r->query.cursor = (struct stream_id){ .ms = 0 };
	} else if (duration_parse(value, &back_ms) == 0) {
		r->query.cursor = cursor_before(r->now_ms - back_ms);
	} else if (rfc3339_parse(value, &time_us) == 0) {
		r->query.cursor = cursor_before(time_us / 1000);
	} else {
		return reason_set(
			why, -EINVAL, "since",
			"since must be an RFC 3339 time with its offset, a duration such as "
			"90s, 10m or 2h, or \"earliest\"");
	}
	return 0;
}

static int read_timeout(struct reading *r, struct str value, struct reason *why)
{
	unsigned long long seconds;

	if (r->has_timeout)
		return reason_set(why, -EINVAL, "timeout", "timeout was given twice");
	r->has_timeout = true;
	if (!str_to_u64(value, &seconds) || seconds < WAIT_MIN_S || seconds > WAIT_MAX_S)
		return reason_set(why, -EINVAL, "timeout",
				  "timeout must be a number of seconds, %d to %d", WAIT_MIN_S,
				  WAIT_MAX_S);
	r->query.timeout_s = (unsigned)seconds;
	return 0;
}

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	struct reading *r = arg;

	if (str_is(name, "last_event_id"))
		return read_last_id(r, value, why);
	if (str_is(name, "since"))
		return read_since(r, value, why);
	if (str_is(name, "timeout"))
		return read_timeout(r, value, why);
	if (str_is(name, "event"))
		return filter_add_events(&r->draft, value, why);
	if (str_is(name, "resource"))
		return filter_add_resource(&r->draft, value, why);
	if (str_is(name, "outcome"))
		return filter_add_outcome(&r->draft, value, why);
	return 0;
}

/* The header wins over both parameters, which must be well formed even so. */
static int settle_cursor(struct reading *r, struct str last_event_id, struct reason *why)
{
	if (r->has_last_id && r->has_since)
		return reason_set(why, -EINVAL, "since",
				  "since and last_event_id cannot both be given");
	if (last_event_id.len == 0) /* clients without a cursor send it empty */
		return 0;
	if (stream_id_parse(last_event_id, &r->query.cursor) < 0)
		return reason_set(why, -EINVAL, "Last-Event-ID",
				  "Last-Event-ID must look like 1779598928123-0");
	r->query.start = START_ID;
	return 0;
}

int stream_query_parse(struct str query, struct str last_event_id, int64_t now_ms,
		       struct stream_query *out, struct reason *why)
{
	struct reading r = {
		.query = { .start = START_NOW, .timeout_s = WAIT_DEFAULT_S },
		.now_ms = now_ms,
	};
	int rc;

	filter_draft_init(&r.draft);
	rc = http_query_each(query, read_pair, &r, why);
	if (rc == 0)
		rc = settle_cursor(&r, last_event_id, why);
	if (rc == 0)
		rc = filter_compile(&r.draft, &r.query.filter);
	if (rc == 0)
		*out = r.query;
	filter_draft_done(&r.draft);
	return rc;
}
