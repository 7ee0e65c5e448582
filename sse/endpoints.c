/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The endpoints of listeners; audience.c has the one that looks back.
 *
 * Happy path: query, limit, cursor, and the listener begins at once. A cursor from before the
 * history waits for the preload, if one runs, and then for an answer from Redis. Failure: 400 for
 * the query, 429 at the limit, 503 without a source, 409 for a wait whose answer may be lost
 * already.
 */
#include "sse/endpoints.h"

#include <errno.h>
#include <stdlib.h>

#include "core/clock.h"
#include "sse/audience.h"
#include "sse/cursor.h"
#include "sse/metrics.h"
#include "sse/server.h"
#include "sse/stream.h"
#include "sse/turn.h"
#include "sse/wait.h"

static const char stops[] = "the service is stopping, try again";
static const char cannot_be_read[] = "the event stream cannot be read right now, try again";
static const char too_many[] = "too many open streams and waits, close one and try again";

/* A request that is not a listener yet. It counts against the limit already. */
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

/* A wait must not begin after a gap that may hide its answer. */
static void begin_or_refuse(const struct opening *o, const struct beginning *beginning,
			    bool in_memory)
{
	if (o->is_wait && beginning->gap &&
	    !(in_memory && cursor_outruns_gap(o->topic, &o->query, beginning)))
		refuse(o, HTTP_INVALID_STATE,
		       "events after the cursor are gone and the answer may be among them, "
		       "load the current state and wait again without the cursor");
	else
		begin(o, beginning);
}

/* ---- cursors from before the history ----------------------------------------------------- */

static void free_opening(struct opening *o)
{
	struct topic *topic = o->topic;

	topic_count(topic, -1);
	if (topic_is_unused(topic))
		turn_mark(topic);
	free(o);
}

static void on_edges(const struct bus_edges *edges, void *owner)
{
	struct opening *o = owner;
	struct sse *sse = o->topic->sse;
	struct beginning beginning;

	sse->pending--;
	if (sse->closing) {
		refuse(o, HTTP_SERVICE_UNAVAILABLE, stops);
	} else if (edges->rc < 0 || !server_is_shared(sse)) {
		refuse(o, HTTP_SERVICE_UNAVAILABLE, cannot_be_read);
	} else {
		cursor_begin_at_edges(&sse->history, &o->query, edges, &beginning);
		begin_or_refuse(o, &beginning, false);
	}
	free_opening(o);
	live_release(sse);
}

static void ask_edges(struct opening *o)
{
	struct sse *sse = o->topic->sse;

	if (bus_edges(sse->options.redis, on_edges, o) == 0) {
		sse->pending++;
		return;
	}
	refuse(o, HTTP_SERVICE_UNAVAILABLE, cannot_be_read);
	free_opening(o);
}

static bool try_in_memory(const struct opening *o)
{
	struct beginning beginning;

	if (!cursor_begin_in_memory(&o->topic->sse->history, &o->query, &beginning))
		return false;
	begin_or_refuse(o, &beginning, true);
	return true;
}

void openings_resume(struct sse *sse)
{
	while (!list_is_empty(&sse->openings)) {
		struct opening *o = list_item(sse->openings.next, struct opening, link);

		list_remove(&o->link);
		if (sse->closing) {
			refuse(o, HTTP_SERVICE_UNAVAILABLE, stops);
			free_opening(o);
		} else if (try_in_memory(o)) {
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

static void open_listener(struct opening *o)
{
	const struct beginning now = { .cursor = o->topic->sse->history.head };

	if (o->query.start == START_NOW) {
		begin(o, &now);
		return;
	}
	if (!try_in_memory(o))
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
	else if (sse->closing)
		refuse(&o, HTTP_SERVICE_UNAVAILABLE, stops);
	else if (!sse->started)
		refuse(&o, HTTP_SERVICE_UNAVAILABLE, "the event stream is not read yet, try again");
	else if (topic->streams >= sse->options.max_streams_per_team)
		refuse(&o, HTTP_RATE_LIMITED, too_many);
	else
		open_listener(&o);
	if (topic_is_unused(topic))
		turn_mark(topic);
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
	const struct http_route streams[] = {
		{ HTTP_GET, "/v1/events/stream", ACCESS_STREAM, on_stream, sse },
		{ HTTP_GET, "/v1/admin/events/stream", ACCESS_ADMIN, on_admin_stream, sse },
	};
	const struct http_route others[] = {
		{ HTTP_GET, "/v1/events/wait", ACCESS_WAIT, on_wait, sse },
		{ HTTP_GET, "/v1/events/{id}/listeners", ACCESS_TEAM, audience_show, sse },
	};
	int rc = http_server_add_streams(server, streams, ARRAY_LEN(streams));

	return rc < 0 ? rc : http_server_add_routes(server, others, ARRAY_LEN(others));
}
