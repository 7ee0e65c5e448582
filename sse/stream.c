/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Streams.
 *
 * Happy path: the greeting leaves with the head of the answer, then the pump sends events. A silent
 * stream gets comments. Failure: a socket that takes nothing for STALL_MS (sse/open.c) ends its
 * stream.
 */
#include "sse/stream.h"

#include <stdlib.h>

#include "sse/closing_frame.h"
#include "sse/greeting.h"
#include "sse/lookup.h"
#include "sse/pump.h"
#include "sse/write.h"

static void release_stream(struct subscriber *sub)
{
	free(sub);
}

static const struct subscriber_type stream_type = {
	.deliver = write_run,
	.send = write_apart,
	.end = closing_frame_end_stream,
	.release = release_stream,
	.lookahead = LOOKUP_MAX_WANTS,
};

static void on_writable(void *owner)
{
	struct subscriber *sub = owner;

	sub->blocked = false;
	if (sub->is_closing && !sub->ending)
		closing_frame_continue(sub);
	else
		pump(sub);
}

static void on_closed(void *owner)
{
	struct subscriber *sub = owner;

	if (!sub->left) {
		enum close_reason reason = sub->ending ? sub->reason : CLOSE_CLIENT;

		metric_add(sub->topic->sse->metrics.closes[reason], 1);
		subscriber_leave(sub);
	}
	sub->closed = true;
	subscriber_release(sub);
}

static const struct http_stream_events stream_events = {
	.on_writable = on_writable,
	.on_closed = on_closed,
};

/* The listener is on its topic already, so it misses nothing after the cursor. */
static int open_stream(struct subscriber *sub, struct http_request *request,
		       const struct item *greeting)
{
	const struct sse_metrics *metrics = &sub->topic->sse->metrics;
	struct str first = { .at = greeting->bytes, .len = greeting->bytes_len };
	int rc;

	sub->unchunked = !http_request_takes_chunks(request);
	if (sub->unchunked)
		first = item_frame(greeting);
	rc = http_stream_open(request, &stream_events, sub, first, &sub->stream);
	if (rc < 0)
		return rc;
	metric_add(metrics->frames, 1);
	metric_add(metrics->bytes, (int64_t)first.len);
	deadline_start(&sub->topic->sse->keepalives, &sub->quiet);
	return 0;
}

void stream_start(struct topic *topic, struct http_request *request, struct filter *filter,
		  const struct beginning *beginning)
{
	struct subscriber *sub = malloc(sizeof(*sub));
	struct item *greeting = NULL;
	int rc;

	if (!sub || greeting_make(topic->sse, beginning, &greeting) != 0) {
		free(sub);
		free(filter);
		http_respond_error(request, HTTP_INTERNAL_ERROR, NULL);
		return;
	}
	subscriber_init(sub, &stream_type, topic, http_request_identity(request), filter);
	rc = open_stream(sub, request, greeting);
	item_unref(greeting);
	if (rc < 0) {
		subscriber_leave(sub);
		on_closed(sub); /* no stream was opened that would call it */
	} else {
		pump_begin(sub, beginning);
	}
}

void on_keepalive_due(struct deadline *deadline, void *owner)
{
	struct sse *sse = owner;

	deadline_start(&sse->keepalives, deadline);
	(void)write_apart(container_of(deadline, struct subscriber, quiet), sse->keepalive);
}

void on_stall_due(struct deadline *deadline, void *owner)
{
	(void)owner;
	subscriber_end(container_of(deadline, struct subscriber, quiet), CLOSE_STALLED);
}
