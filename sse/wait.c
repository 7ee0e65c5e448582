/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Waits: the same cursor, filter and replay as a stream, but a request instead of a connection.
 *
 * Happy path: the first item answers the request and ends the wait. Failure: at the time limit the
 * answer is 204 and the cursor to continue from. A reason that closes a stream answers a wait with
 * an error.
 */
#include "sse/wait.h"

#include <assert.h>
#include <stdlib.h>

#include "core/json.h"
#include "sse/pump.h"
#include "sse/replay.h"
#include "sse/run.h"

struct event_wait {
	struct subscriber sub;
	struct http_request *request;
	uv_timer_t timer;
};

static struct event_wait *wait_of(struct subscriber *sub)
{
	return container_of(sub, struct event_wait, sub);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct event_wait *wait = handle->data;

	wait->sub.closed = true;
	subscriber_release(&wait->sub);
}

/* Call this before the answer: the server may start the connection's next request at once. */
static struct http_request *leave(struct subscriber *sub, enum wait_result result)
{
	struct event_wait *wait = wait_of(sub);

	metric_add(sub->topic->sse->metrics.waits[result], 1);
	subscriber_leave(sub);
	uv_close((uv_handle_t *)&wait->timer, on_timer_closed);
	return wait->request;
}

/* ---- found ------------------------------------------------------------------------------- */

static void write_answer(struct buf *out, const struct item *item)
{
	struct str json = item_json(item);
	char id[STREAM_ID_TEXT_SIZE];

	stream_id_format(item->id, id);
	buf_add_char(out, '{');
	json_add_member(out, "id", str_of(id));
	buf_add_char(out, ',');
	buf_add_str(out, str_from(json, 1)); /* without its own brace */
}

static bool deliver(struct subscriber *sub, const struct run *run)
{
	const struct item *item = run->items[0];
	struct buf json;

	assert(item->json_len > 0); /* a run has no item that could not be made */
	buf_init(&json, SCRATCH_MAX_BYTES + 64);
	write_answer(&json, item);
	http_respond_json(leave(sub, WAIT_FOUND), 200, &json);
	buf_done(&json);
	return false;
}

/* ---- not found --------------------------------------------------------------------------- */

/* The listener has received, or filtered out, everything up to the position returned. */
static struct stream_id position_of(const struct subscriber *sub)
{
	const struct item *next = sub->replay ? sub->replay->first : sub->cursor;

	if (!next)
		return sub->replay ? sub->replay->position : sub->topic->sse->history.head;
	return next->transient ? next->id : stream_id_previous(next->id);
}

/* Contract b.6: 204, and where the next call continues. */
static void answer_nothing(struct event_wait *wait, enum wait_result result)
{
	char cursor[STREAM_ID_TEXT_SIZE];
	struct http_request *request;

	if (wait->sub.ending)
		return;
	stream_id_format(position_of(&wait->sub), cursor);
	request = leave(&wait->sub, result);
	http_respond_header(request, "X-Wrenn-Cursor", str_of(cursor));
	http_respond(request, 204, NULL, STR(""));
}

static void on_timeout(uv_timer_t *timer)
{
	answer_nothing(timer->data, WAIT_TIMED_OUT);
}

/* Answer even so: the client may only have stopped sending. */
static void on_abort(void *owner)
{
	answer_nothing(owner, WAIT_LEFT);
}

static void refuse(struct subscriber *sub)
{
	struct http_request *request = leave(sub, WAIT_REFUSED);

	if (sub->reason == CLOSE_CREDENTIALS)
		http_respond_error(request, HTTP_UNAUTHORIZED, NULL);
	else if (sub->reason == CLOSE_GAP)
		http_respond_fault(request, HTTP_INVALID_STATE, "",
				   "events were missed during the wait and the answer may be among "
				   "them, load the current state and wait again");
	else
		http_respond_error(request, HTTP_SERVICE_UNAVAILABLE, NULL);
}

/* ---- the listener ------------------------------------------------------------------------ */

/* Only events answer a wait. */
static bool send_nothing(struct subscriber *sub, struct item *item)
{
	(void)sub;
	(void)item;
	return false;
}

static void release_wait(struct subscriber *sub)
{
	free(wait_of(sub));
}

static const struct subscriber_type wait_type = {
	.deliver = deliver,
	.send = send_nothing,
	.end = refuse,
	.release = release_wait,
	.lookahead = 1,
	.is_wait = true,
};

void wait_start(struct topic *topic, struct http_request *request, struct filter *filter,
		unsigned timeout_s, const struct beginning *beginning)
{
	struct event_wait *wait = malloc(sizeof(*wait));

	if (!wait) {
		free(filter);
		http_respond_error(request, HTTP_INTERNAL_ERROR, NULL);
		return;
	}
	subscriber_init(&wait->sub, &wait_type, topic, http_request_identity(request), filter);
	wait->request = request;
	uv_timer_init(topic->sse->options.loop, &wait->timer);
	wait->timer.data = wait;
	uv_timer_start(&wait->timer, on_timeout, (uint64_t)timeout_s * 1000, 0);
	http_request_on_abort(request, on_abort, wait);
	pump_begin(&wait->sub, beginning);
}
