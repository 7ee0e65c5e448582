/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a listener is ended by us, with a word about the reason.
 *
 * Happy path: the socket is free, the words leave, the stream is closed at the end of a chunk.
 * A full socket comes first: the listener leaves its topic at once and so costs nothing but
 * the item half on the wire, and has a few seconds to take the rest of that and the words. Failure: it
 * does not, or there is no memory for the words; then the connection just closes.
 */
#include <stdio.h>

#include "core/backoff.h"
#include "sse/frame.h"
#include "sse/replay.h"
#include "sse/subscriber.h"
#include "sse/wait.h"

/* What clients are asked to wait when we stop, so that they do not all come back at once. */
#define RESTART_RETRY_MS     5500
#define RESTART_RETRY_SPREAD 80 /* percent */

void farewell_write(char text[FAREWELL_SIZE])
{
	snprintf(text, FAREWELL_SIZE, ": the service stops\nretry: %u\n\n",
		 (unsigned)jitter(RESTART_RETRY_MS, RESTART_RETRY_SPREAD));
}

/* True when all of it went out. */
static bool say(const struct subscriber *sub, const char *text)
{
	char head[CHUNK_HEAD_MAX];
	size_t head_len = sub->unchunked ? 0 : chunk_head(strlen(text), head);
	size_t tail_len = sub->unchunked ? 0 : 2;
	const struct iovec pieces[] = {
		{ .iov_base = head, .iov_len = head_len },
		{ .iov_base = (char *)text, .iov_len = strlen(text) },
		{ .iov_base = (char *)"\r\n", .iov_len = tail_len },
	};
	ssize_t taken = http_stream_write(sub->stream, pieces, ARRAY_LEN(pieces));

	return taken == (ssize_t)(head_len + strlen(text) + tail_len);
}

static bool begin_parting(struct subscriber *sub, enum close_reason reason, const char *last_words)
{
	struct sse *sse = sub->topic->sse;
	struct item *words;

	if (item_from_text(str_of(last_words), &words) < 0)
		return false;
	list_remove(&sub->link);
	list_add_tail(&sse->parting, &sub->link);
	list_remove(&sub->recheck);
	replay_stop(sub);
	item_unref(sub->cursor);
	sub->cursor = words;
	sub->parting = true;
	sub->parting_reason = (uint8_t)reason;
	deadline_start(&sse->partings, &sub->quiet);
	return true;
}

void subscriber_end(struct subscriber *sub, enum close_reason reason, const char *last_words)
{
	bool at_boundary = !sub->partial && !sub->blocked;

	if (sub->ended)
		return;
	if (!sub->stream) {
		wait_refuse(sub, reason);
		return;
	}
	if (sub->parting)
		reason = sub->parting_reason;
	else if (last_words && !at_boundary && begin_parting(sub, reason, last_words))
		return;
	else if (last_words && at_boundary)
		at_boundary = say(sub, last_words);
	subscriber_leave(sub);
	metric_add(sub->topic->sse->metrics.closes[reason], 1);
	http_stream_close(sub->stream, at_boundary);
}

void on_parting_due(struct deadline *deadline, void *owner)
{
	(void)owner;
	subscriber_end(container_of(deadline, struct subscriber, quiet), CLOSE_STALLED, NULL);
}
