/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ends listeners.
 *
 * Happy path: the socket is free, the closing frame goes out, and the stream closes at the end of a
 * chunk. With a full socket the listener leaves its topic at once and costs only the item half on
 * the wire. It has a few seconds to take the rest of that item and the closing frame. Failure: it
 * does not take them, or there is no memory for the frame; then the connection just closes.
 */
#include "sse/closing_frame.h"

#include <stdio.h>

#include "core/backoff.h"
#include "http/http.h"
#include "sse/frame.h"
#include "sse/replay.h"
#include "sse/write.h"

#define TEXT_SIZE 96

/* After a stop, clients wait this long. The spread keeps them from coming back all at once. */
#define RESTART_RETRY_MS     5500
#define RESTART_RETRY_SPREAD 80 /* percent */

/* A reason without a text: the client is gone or does not read. */
static const char *const closing_texts[CLOSE_REASONS] = {
	[CLOSE_SLOW] = ": this client reads too slowly, reconnect with your cursor\n\n",
	[CLOSE_CREDENTIALS] = ": credentials no longer valid\n\n",
	[CLOSE_GAP] = ": events were missed, reconnect with your cursor\n\n",
	[CLOSE_LOST] = ": events were missed, reconnect with your cursor\n\n",
	[CLOSE_FAILED] = ": out of memory, reconnect with your cursor\n\n",
};

static const char *frame_text(enum close_reason reason, char text[TEXT_SIZE])
{
	if (reason != CLOSE_SHUTDOWN)
		return closing_texts[reason];
	snprintf(text, TEXT_SIZE, ": the service is stopping\nretry: %u\n\n",
		 (unsigned)jitter(RESTART_RETRY_MS, RESTART_RETRY_SPREAD));
	return text;
}

/* True when the whole frame went out. False leaves the stream inside a chunk. */
static bool send_frame(const struct subscriber *sub, const char *frame)
{
	char head[CHUNK_HEAD_MAX];
	size_t len = strlen(frame);
	size_t head_len = sub->unchunked ? 0 : chunk_head(len, head);
	size_t tail_len = sub->unchunked ? 0 : 2;
	const struct iovec pieces[] = {
		{ .iov_base = head, .iov_len = head_len },
		{ .iov_base = (char *)frame, .iov_len = len },
		{ .iov_base = (char *)"\r\n", .iov_len = tail_len },
	};
	ssize_t taken = http_stream_write(sub->stream, pieces, ARRAY_LEN(pieces));

	return taken == (ssize_t)(head_len + len + tail_len);
}

/* Leaves the topic. Only what is half written and the closing frame are still to be sent. */
static bool begin_closing(struct subscriber *sub, const char *frame)
{
	struct item *item;

	if (item_from_text(str_of(frame), &item) < 0)
		return false;
	list_remove(&sub->link);
	list_remove(&sub->recheck);
	replay_stop(sub->replay);
	sub->replay = NULL;
	subscriber_set_cursor(sub, item);
	item_unref(item);
	sub->ending = false;
	sub->is_closing = true;
	deadline_start(&sub->topic->sse->closings, &sub->quiet);
	return true;
}

static void close_stream(struct subscriber *sub, bool at_boundary)
{
	subscriber_leave(sub);
	metric_add(sub->topic->sse->metrics.closes[sub->reason], 1);
	http_stream_close(sub->stream, at_boundary);
}

void closing_frame_end_stream(struct subscriber *sub)
{
	char text[TEXT_SIZE];
	const char *frame = sub->is_closing ? NULL : frame_text(sub->reason, text);
	bool at_boundary = !sub->partial && !sub->blocked;

	if (frame && !at_boundary && begin_closing(sub, frame))
		return;
	if (frame && at_boundary)
		at_boundary = send_frame(sub, frame);
	close_stream(sub, at_boundary);
}

void closing_frame_continue(struct subscriber *sub)
{
	struct run run;

	run_init(&run, sub->unchunked);
	run.apart = true;
	if (sub->partial)
		run_add(&run, sub->partial, sub->offset);
	if (sub->cursor)
		run_add(&run, sub->cursor, 0);
	if (write_run(sub, &run))
		close_stream(sub, true);
}

void on_closing_due(struct deadline *deadline, void *owner)
{
	(void)owner;
	subscriber_end(container_of(deadline, struct subscriber, quiet), CLOSE_STALLED);
}

void closing_frame_run(struct sse *sse)
{
	while (!list_is_empty(&sse->ending)) {
		struct subscriber *sub = list_item(sse->ending.next, struct subscriber, link);

		list_remove(&sub->link);
		sub->type->end(sub);
	}
}
