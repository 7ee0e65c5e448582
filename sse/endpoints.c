/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The three endpoints.
 *
 * Happy path: query, limit, cursor, then the listener begins at once. A cursor from before the
 * history takes a question to Redis first, and while the history is still being filled it takes a
 * moment's patience. Failure: 400 for the query, 429 at the limit, 503 without a source, 409 for a
 * wait whose answer may be lost already.
 */
#include "sse/endpoints.h"

#include <stdlib.h>

#include "core/clock.h"
#include "sse/preload.h"
#include "sse/query.h"
#include "sse/subscriber.h"
#include "sse/wait.h"

/* Ids come from Redis's clock, and another worker may be ahead of us by a batch. Further in the
 * future nobody has been. */
#define CURSOR_MAX_AHEAD_MS 10000

/* A request on its way to be a listener; its place counts against the limit already. */
struct opening {
	struct list link; /* in sse->openings */
	struct topic *topic;
	struct http_request *request;
	bool is_wait;
	struct stream_query query;
};

static void begin(const struct opening *o, const struct beginning *beginning)
{
	if (beginning->gap)
		metric_add(o->topic->sse->metrics.gaps, 1);
	if (o->is_wait)
		wait_start(o->topic, o->request, o->query.filter, o->query.timeout_s, beginning);
	else
		stream_start(o->topic, o->request, o->query.filter, beginning);
}

static void refuse(const struct opening *o, enum http_error error, const char *message)
{
	free(o->query.filter);
	http_respond_fault(o->request, error, "", message);
}

static void turn_away(const struct opening *o)
{
	free(o->query.filter);
	stream_turn_away(o->request);
}

/* ---- cursors from before the history ----------------------------------------------------- */

static void free_opening(struct opening *o)
{
	struct topic *topic = o->topic;

	topic_count(topic, -1);
	if (topic_is_unused(topic))
		hub_mark(topic);
	free(o);
}

/* The stream knows what is gone. `earliest` asks for what is left and misses nothing. */
static void find_gap(const struct opening *o, const struct bus_edges *edges,
		     struct beginning *beginning)
{
	struct stream_id oldest = edges->oldest;
	struct stream_id before;

	if (!edges->trimmed)
		return;
	if (stream_id_is_zero(oldest)) /* nothing is left at all */
		oldest = edges->newest;
	before = stream_id_is_zero(edges->oldest) ? oldest : stream_id_previous(oldest);
	if (stream_id_compare(beginning->cursor, before) >= 0)
		return;
	beginning->cursor = before;
	beginning->gap = o->query.start != START_EARLIEST;
	beginning->oldest = oldest;
}

static void on_edges(const struct bus_edges *edges, void *owner)
{
	struct opening *o = owner;
	struct sse *sse = o->topic->sse;
	struct beginning beginning = { .from_cursor = true, .cursor = o->query.cursor };

	sse->pending--;
	if (edges->rc == 0)
		find_gap(o, edges, &beginning);
	if (edges->rc < 0 || sse->closing)
		refuse(o, HTTP_SERVICE_UNAVAILABLE,
		       "the event stream cannot be read at the moment");
	else if (beginning.gap && o->is_wait)
		refuse(o, HTTP_INVALID_STATE,
		       "the cursor lies before the oldest event kept, the answer may be lost");
	else
		begin(o, &beginning);
	free_opening(o);
	sse_release(sse);
}

static void ask_edges(struct opening *o)
{
	struct sse *sse = o->topic->sse;

	if (bus_edges(sse->options.redis, on_edges, o) == 0) {
		sse->pending++;
		return;
	}
	refuse(o, HTTP_SERVICE_UNAVAILABLE, "the event stream cannot be read at the moment");
	free_opening(o);
}

static bool is_in_history(const struct opening *o)
{
	return stream_id_compare(o->query.cursor, o->topic->sse->history.floor) >= 0;
}

static void begin_in_history(const struct opening *o)
{
	const struct beginning beginning = { .from_cursor = true, .cursor = o->query.cursor };

	begin(o, &beginning);
}

void openings_resume(struct sse *sse)
{
	while (!list_is_empty(&sse->openings)) {
		struct opening *o = list_item(sse->openings.next, struct opening, link);

		list_remove(&o->link);
		if (sse->closing) {
			refuse(o, HTTP_SERVICE_UNAVAILABLE, "the service is stopping");
			free_opening(o);
		} else if (is_in_history(o)) {
			begin_in_history(o);
			free_opening(o);
		} else {
			ask_edges(o);
		}
	}
}

static void open_later(const struct opening *template)
{
	struct sse *sse = template->topic->sse;
	struct opening *o = malloc(sizeof(*o));

	if (!o) {
		refuse(template, HTTP_INTERNAL_ERROR, "out of memory");
		return;
	}
	*o = *template;
	topic_count(o->topic, 1);
	if (sse->preload)
		list_add_tail(&sse->openings, &o->link);
	else
		ask_edges(o);
}

/* ---- requests ---------------------------------------------------------------------------- */

/* An id ahead of the stream was seen at another worker, and must not be sent again. A time ahead of it
 * is kept, too, since entries from before it may still be on their way here; but not one ahead of our
 * own clock: somebody's is fast, and nothing may be hidden from them. */
static void clamp_cursor(struct opening *o)
{
	struct stream_id head = o->topic->sse->history.head;
	struct stream_query *query = &o->query;
	uint64_t now_ms = (uint64_t)clock_wall_ms();
	uint64_t latest_ms = now_ms + (query->start == START_ID ? CURSOR_MAX_AHEAD_MS : 0);

	if (query->cursor.ms <= latest_ms)
		return;
	query->cursor = head;
	if (query->start != START_ID && head.ms < now_ms)
		query->cursor = (struct stream_id){ .ms = now_ms };
}

static void open_listener(struct opening *o)
{
	const struct beginning now = { .cursor = o->topic->sse->history.head };

	if (o->query.start == START_NOW) {
		begin(o, &now);
		return;
	}
	clamp_cursor(o);
	if (is_in_history(o))
		begin_in_history(o);
	else
		open_later(o);
}

static void accept_request(struct sse *sse, struct topic *topic, struct http_request *request,
			   bool is_wait)
{
	struct opening o = { .topic = topic, .request = request, .is_wait = is_wait };
	struct reason why = { .text = "" };
	int rc = stream_query_parse(http_request_query(request),
				    http_request_header(request, "Last-Event-ID"), clock_wall_ms(),
				    &o.query, &why);

	if (rc < 0)
		http_respond_error(
			request, rc == -ENOMEM ? HTTP_INTERNAL_ERROR : HTTP_INVALID_REQUEST, &why);
	else if (sse->closing && !is_wait)
		turn_away(&o);
	else if (!sse->started || sse->closing)
		refuse(&o, HTTP_SERVICE_UNAVAILABLE, "the event stream is not being read yet");
	else if (topic->streams >= sse->options.max_streams_per_team)
		refuse(&o, HTTP_RATE_LIMITED, "too many open streams");
	else
		open_listener(&o);
	if (topic_is_unused(topic))
		hub_mark(topic);
}

static void accept_team_request(struct sse *sse, struct http_request *request, bool is_wait)
{
	struct topic *topic = history_topic(&sse->history, &http_request_identity(request)->team);

	if (topic)
		accept_request(sse, topic, request, is_wait);
	else
		http_respond_error(request, HTTP_INTERNAL_ERROR, NULL);
}

static void on_stream(struct http_request *request, void *owner)
{
	accept_team_request(owner, request, false);
}

static void on_wait(struct http_request *request, void *owner)
{
	accept_team_request(owner, request, true);
}

static void on_admin_stream(struct http_request *request, void *owner)
{
	struct sse *sse = owner;

	accept_request(sse, &sse->history.all, request, false);
}

int sse_add_routes(struct sse *sse, struct http_server *server)
{
	const struct http_route routes[] = {
		{ HTTP_GET, "/v1/events/stream", ACCESS_STREAM, on_stream, sse },
		{ HTTP_GET, "/v1/events/wait", ACCESS_WAIT, on_wait, sse },
		{ HTTP_GET, "/v1/admin/events/stream", ACCESS_ADMIN, on_admin_stream, sse },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
