/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The life of a listener: beginning, timers, a look at its credentials every minute, the end.
 *
 * Whoever ends a listener takes it off all lists at once, so that nothing finds it again; its
 * memory goes when the last callback has come, be it the stream's or the recheck's.
 */
#include "sse/subscriber.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sse/frame.h"
#include "sse/greeting.h"
#include "sse/hole.h"
#include "sse/replay.h"
#include "sse/wait.h"

void subscriber_init(struct subscriber *sub, struct topic *topic, const struct identity *identity,
		     struct filter *filter, bool is_wait)
{
	enum listener_kind kind = topic->chain == CHAIN_ALL ? LISTENER_ALL : LISTENER_TEAM;

	*sub = (struct subscriber){
		.topic = topic,
		.filter = filter,
		.credential = (uint8_t)identity->credential,
		.kind = is_wait ? LISTENER_WAIT : (uint8_t)kind,
		.is_admin = topic->chain == CHAIN_ALL,
		.from_serial = topic->sse->history.serial,
	};
	/* Auth gives lower-case hex; anything else fails the first recheck, which is right. */
	if (!hex_decode(str_of(identity->credential_hash), sub->credential_hash, SHA256_SIZE))
		sub->credential = CREDENTIAL_NONE;
	deadline_init(&sub->quiet);
	list_add_tail(&topic->others, &sub->link);
	topic_count(topic, 1);
	topic->pins++;
	topic->sse->listeners++;
	metric_add(topic->sse->metrics.subscribers[sub->kind], 1);
	list_add_tail(&topic->sse->rechecks[sub->credential_hash[0] % RECHECK_ROUNDS],
		      &sub->recheck);
}

int subscriber_begin(struct subscriber *sub, const struct beginning *beginning)
{
	if (!beginning->from_cursor)
		return 0;
	return replay_start(sub, beginning->cursor);
}

void subscriber_leave(struct subscriber *sub)
{
	struct topic *topic = sub->topic;

	assert(!sub->ended);
	sub->ended = true;
	list_remove(&sub->link);
	deadline_stop(&sub->quiet);
	list_remove(&sub->recheck);
	replay_stop(sub);
	item_unref(sub->cursor);
	item_unref(sub->partial);
	sub->cursor = NULL;
	sub->partial = NULL;
	topic_count(topic, -1);
	metric_add(topic->sse->metrics.subscribers[sub->kind], -1);
}

bool subscriber_is_done(struct subscriber *sub)
{
	struct topic *topic = sub->topic;
	struct sse *sse = topic->sse;

	if (!sub->closed || sub->rechecking)
		return false;
	free(sub->filter);
	topic->pins--;
	if (topic_is_unused(topic))
		hub_mark(topic); /* freed by the flush, which may be walking it now */
	sse->listeners--;
	sse_release(sse);
	return true;
}

struct stream_id subscriber_position(const struct subscriber *sub)
{
	const struct item *next = sub->replay ? sub->replay->first : sub->cursor;

	if (!next)
		return sub->replay ? sub->replay->position : sub->topic->sse->history.head;
	return next->transient ? next->id : stream_id_previous(next->id);
}

/* ---- streams ----------------------------------------------------------------------------- */

static void on_writable(void *owner)
{
	struct subscriber *sub = owner;

	sub->blocked = false;
	if (!sub->ended)
		subscriber_pump(sub);
}

static void on_closed(void *owner)
{
	struct subscriber *sub = owner;

	if (!sub->ended) {
		metric_add(sub->topic->sse->metrics.closes[CLOSE_CLIENT], 1);
		subscriber_leave(sub);
	}
	sub->closed = true;
	if (subscriber_is_done(sub))
		free(sub);
}

static const struct http_stream_events stream_events = {
	.on_writable = on_writable,
	.on_closed = on_closed,
};

/* It is on its list already, so nothing after the cursor can be missed. */
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
	subscriber_init(sub, topic, http_request_identity(request), filter, false);
	rc = open_stream(sub, request, greeting);
	item_unref(greeting);
	if (rc < 0) {
		subscriber_leave(sub);
		on_closed(sub); /* the stream never was and calls nobody */
	} else if (subscriber_begin(sub, beginning) < 0) {
		subscriber_end(sub, CLOSE_FAILED,
			       ": out of memory, come back with your cursor\n\n");
	} else {
		subscriber_pump(sub);
	}
}

/* ---- timers ------------------------------------------------------------------------------ */

void on_keepalive_due(struct deadline *deadline, void *owner)
{
	struct subscriber *sub = container_of(deadline, struct subscriber, quiet);
	struct sse *sse = owner;

	deadline_start(&sse->keepalives, deadline);
	stream_send(sub, sse->keepalive);
}

void on_stall_due(struct deadline *deadline, void *owner)
{
	(void)owner;
	subscriber_end(container_of(deadline, struct subscriber, quiet), CLOSE_STALLED, NULL);
}

/* The same bytes for everyone until the head moves. */
static struct item *bookmark(struct sse *sse)
{
	struct frame frame = { .has_id = true, .id = sse->history.head };
	struct item *item;

	if (sse->bookmark && stream_id_compare(sse->bookmark_id, frame.id) == 0)
		return sse->bookmark;
	buf_reset(&sse->scratch);
	frame_encode(&sse->scratch, &frame);
	if (sse->scratch.err || item_from_text(buf_str(&sse->scratch), &item) < 0)
		return NULL;
	item_unref(sse->bookmark);
	sse->bookmark = item;
	sse->bookmark_id = frame.id;
	return item;
}

/* Only who has everything up to the head may be told that it is there. */
static void send_bookmark(struct subscriber *sub)
{
	const struct topic *topic = sub->topic;
	bool is_behind =
		sub->cursor || sub->replay || topic->arrived || (sub->in_front && topic->front);
	struct item *item;

	if (sub->moved || is_behind || !sub->stream)
		return;
	/* Right after a loss it would move cursors back. */
	if (hole_concerns(&topic->sse->history, topic->sse->history.head))
		return;
	item = bookmark(topic->sse);
	if (item)
		stream_send(sub, item);
}

static void on_rechecked(int rc, void *owner)
{
	struct subscriber *sub = owner;
	struct sse *sse = sub->topic->sse;
	bool is_wait = !sub->stream;

	sub->rechecking = false;
	sse->pending--;
	if (rc == -EACCES)
		subscriber_end(sub, CLOSE_CREDENTIALS, ": credentials no longer valid\n\n");
	if (is_wait)
		wait_release(sub);
	else if (subscriber_is_done(sub))
		free(sub);
	sse_release(sse);
}

static void start_recheck(struct subscriber *sub)
{
	struct sse *sse = sub->topic->sse;
	struct identity identity = {
		.credential = (enum credential)sub->credential,
		.has_team = !sub->is_admin,
		.is_admin = sub->is_admin,
		.team = sub->topic->team,
	};

	hex_encode(sub->credential_hash, SHA256_SIZE, identity.credential_hash);
	/* What cannot be asked now is asked a minute later. */
	if (sub->rechecking ||
	    auth_recheck(sse->options.auth, &identity, sub->is_admin ? ACCESS_ADMIN : ACCESS_STREAM,
			 on_rechecked, sub) < 0)
		return;
	sub->rechecking = true;
	sse->pending++;
}

static void run_recheck_round(struct sse *sse)
{
	struct list *round = &sse->rechecks[sse->rounds++ % RECHECK_ROUNDS];

	LIST_EACH_SAFE (link, round) {
		struct subscriber *sub = list_item(link, struct subscriber, recheck);

		start_recheck(sub);
		send_bookmark(sub);
		sub->moved = false;
	}
}

/* Rounds are due by the clock, so that a loop that is late makes up for it instead of making the minute longer.
 * After a whole minute each is due once. */
void on_recheck_due(struct deadline *deadline, void *owner)
{
	const uint64_t others_ms = (uint64_t)(RECHECK_ROUNDS - 1) * RECHECK_ROUND_MS;
	struct sse *sse = owner;
	uint64_t now_ms = uv_now(sse->options.loop);

	deadline_start(&sse->recheck_rounds, deadline);
	if (now_ms > sse->round_due_ms + others_ms)
		sse->round_due_ms = now_ms - others_ms;
	for (; sse->round_due_ms <= now_ms; sse->round_due_ms += RECHECK_ROUND_MS)
		run_recheck_round(sse);
}
