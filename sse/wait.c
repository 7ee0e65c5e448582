/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A wait is a listener without a stream: the same cursor, filter and replay, but its first item
 * answers the request and ends it. So does the time limit (204 and the cursor to go on from), and
 * whatever would close a stream.
 */
#include "sse/wait.h"

#include <stdlib.h>

#include "core/json.h"

struct wait {
	struct subscriber sub;
	struct http_request *request;
	uv_timer_t timer;
};

static struct wait *wait_of(struct subscriber *sub)
{
	return container_of(sub, struct wait, sub);
}

void wait_release(struct subscriber *sub)
{
	if (subscriber_is_done(sub))
		free(wait_of(sub));
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct wait *wait = handle->data;

	wait->sub.closed = true;
	wait_release(&wait->sub);
}

/* Before the answer is sent, because the server may go on with the next request at once. */
static struct http_request *end_wait(struct subscriber *sub, enum wait_result result)
{
	struct wait *wait = wait_of(sub);

	metric_add(sub->topic->sse->metrics.waits[result], 1);
	subscriber_leave(sub);
	uv_close((uv_handle_t *)&wait->timer, on_timer_closed);
	return wait->request;
}

static void write_answer(struct buf *out, const struct item *item)
{
	struct str json = item_json(item);
	char id[STREAM_ID_TEXT_SIZE];

	stream_id_format(item->id, id);
	buf_add_char(out, '{');
	json_add_member(out, "id", str_of(id));
	buf_add_char(out, ',');
	buf_add_str(out, str_from(json, 1)); /* behind its own brace */
}

void wait_answer(struct subscriber *sub, const struct item *item)
{
	struct buf json;

	if (item->json_len == 0) { /* it could not be made */
		wait_refuse(sub, CLOSE_FAILED);
		return;
	}
	buf_init(&json, SCRATCH_MAX_BYTES + 64);
	write_answer(&json, item);
	http_respond_json(end_wait(sub, WAIT_FOUND), 200, &json);
	buf_done(&json);
}

void wait_refuse(struct subscriber *sub, enum close_reason reason)
{
	struct http_request *request = end_wait(sub, WAIT_REFUSED);

	if (reason == CLOSE_CREDENTIALS)
		http_respond_error(request, HTTP_UNAUTHORIZED, NULL);
	else if (reason == CLOSE_GAP)
		http_respond_fault(request, HTTP_INVALID_STATE, "",
				   "events were lost while waiting, the answer may be among them");
	else
		http_respond_error(request, HTTP_SERVICE_UNAVAILABLE, NULL);
}

/* Contract b.6: nothing came, and where the next call goes on. */
static void answer_nothing(struct wait *wait, enum wait_result result)
{
	char cursor[STREAM_ID_TEXT_SIZE];
	struct http_request *request;

	stream_id_format(subscriber_position(&wait->sub), cursor);
	request = end_wait(&wait->sub, result);
	http_respond_header(request, "X-Wrenn-Cursor", str_of(cursor));
	http_respond(request, 204, NULL, STR(""));
}

static void on_timeout(uv_timer_t *timer)
{
	answer_nothing(timer->data, WAIT_TIMED_OUT);
}

/* The client may only have stopped sending, and still read. */
static void on_abort(void *owner)
{
	struct wait *wait = owner;

	if (!wait->sub.ended)
		answer_nothing(wait, WAIT_LEFT);
}

void wait_start(struct topic *topic, struct http_request *request, struct filter *filter,
		unsigned timeout_s, const struct beginning *beginning)
{
	struct wait *wait = malloc(sizeof(*wait));

	if (!wait) {
		free(filter);
		http_respond_error(request, HTTP_INTERNAL_ERROR, NULL);
		return;
	}
	subscriber_init(&wait->sub, topic, http_request_identity(request), filter, true);
	wait->request = request;
	uv_timer_init(topic->sse->options.loop, &wait->timer);
	wait->timer.data = wait;
	uv_timer_start(&wait->timer, on_timeout, (uint64_t)timeout_s * 1000, 0);
	http_request_on_abort(request, on_abort, wait);
	if (subscriber_begin(&wait->sub, beginning) < 0)
		wait_refuse(&wait->sub, CLOSE_FAILED);
	else
		subscriber_pump(&wait->sub);
}
