/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The query of the three endpoints (contract b.5, b.6, o.9, o.16): where to begin, which events to
 * send, how long to wait. Pure: the header and the time are arguments.
 */
#ifndef SSE_QUERY_H
#define SSE_QUERY_H

#include "sse/filter.h"

#define WAIT_MIN_S     1
#define WAIT_MAX_S     600
#define WAIT_DEFAULT_S 50 /* proxies give up after 60 s */

enum start {
	START_NOW,      /* at the head */
	START_EARLIEST, /* at the first entry that is left, without a gap */
	START_TIME,     /* after `cursor`, which is a time of some clock */
	START_ID        /* after `cursor`, an id that this client has seen */
};

struct stream_query {
	enum start start;
	struct stream_id cursor;
	struct filter *filter; /* the caller's to free */
	unsigned timeout_s;
};

/* `last_event_id` is the header's value, empty when absent. 0, -EINVAL with *why, or -ENOMEM. */
int stream_query_parse(struct str query, struct str last_event_id, int64_t now_ms,
		       struct stream_query *out, struct reason *why) must_check;

#endif
