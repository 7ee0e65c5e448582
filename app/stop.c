/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stops a worker in order. Each step begins after the one before has called back: readiness, new
 * connections, the requests that open connections are about to send, the readers of Redis (the
 * current batch is committed and acknowledged, and the ledger's lease released), the streams
 * (clients get a reconnect time), the deliveries in flight, and the store last. After STOP_LIMIT_MS
 * the process ends even if a part hangs, since everything that matters is committed by then.
 */
#include "app/stop.h"

#include <assert.h>
#include <unistd.h>

#include "cli/command.h"
#include "core/log.h"

#define STOP_LIMIT_MS 15000
#define LAST_LINES_MS 1000

/* A client that has just connected gets so long to send its request. Browsers also connect ahead of
 * time and send nothing. */
#define REQUESTS_LIMIT_MS 1000
#define REQUESTS_TURN_MS  10

/* Each step calls the next after its part has closed. A part that never opened is NULL: it closes
 * at once. */

static void next_step(void *owner);

static void on_consumer_closed(void *owner)
{
	struct worker *w = owner;

	w->consumer = NULL;
	next_step(w);
}

static void stop_consumer(struct worker *w)
{
	bus_consumer_close(w->consumer, on_consumer_closed, w);
}

static void stop_ledger(struct worker *w)
{
	ledger_stop(w->ledger, next_step, w);
}

static void stop_tail(struct worker *w)
{
	bus_tail_close(w->tail, next_step, w);
}

static void stop_transient(struct worker *w)
{
	bus_transient_close(w->transient, next_step, w);
}

static void stop_wake(struct worker *w)
{
	struct bus_wake *wake = w->wake;

	w->wake = NULL; /* the deliveries wake nobody from now on */
	bus_wake_close(wake, next_step, w);
}

static void stop_streams(struct worker *w)
{
	sse_close(w->sse, next_step, w);
}

static void stop_server(struct worker *w)
{
	http_server_close(w->server, next_step, w);
}

static void stop_deliveries(struct worker *w)
{
	channels_stop(w->channels);
	deliveries_close(w->deliveries, next_step, w);
}

static void stop_route(struct worker *w)
{
	route_close(w->route, next_step, w);
}

static void stop_audit(struct worker *w)
{
	audit_close(w->audit, next_step, w);
}

static void stop_redis(struct worker *w)
{
	ledger_close(w->ledger);
	auth_close(w->auth);
	redis_close(w->redis, next_step, w);
}

static void stop_sentinel(struct worker *w)
{
	redis_sentinel_close(w->sentinel, next_step, w);
}

static void stop_master(struct worker *w)
{
	redis_master_close(w->master, next_step, w);
}

static void stop_store(struct worker *w)
{
	store_close(w->store, next_step, w);
}

static void stop_handles(struct worker *w)
{
	/* The store has closed, so the last jobs of these parts have ended. */
	views_close(w->views);
	channels_close(w->channels);
	uv_close((uv_handle_t *)&w->on_term, NULL);
	uv_close((uv_handle_t *)&w->on_int, NULL);
	uv_close((uv_handle_t *)&w->on_hangup, NULL);
	uv_close((uv_handle_t *)&w->stop_limit, NULL);
	uv_close((uv_handle_t *)&w->drain, NULL);
	uv_close((uv_handle_t *)&w->turn, NULL);
	loop_lag_stop(&w->lag);
}

static void (*const stop_steps[])(struct worker *w) = {
	stop_consumer, stop_ledger,   stop_tail,       stop_transient, stop_wake,
	stop_streams,  stop_server,   stop_deliveries, stop_route,     stop_audit,
	stop_redis,    stop_sentinel, stop_master,     stop_store,     stop_handles,
};

static void next_step(void *owner)
{
	struct worker *w = owner;

	assert(w->step < ARRAY_LEN(stop_steps));
	stop_steps[w->step++](w);
}

static void on_stop_limit(uv_timer_t *timer)
{
	const struct worker *w = timer->data;

	log_error("could not stop in time; ending with parts still open",
		  log_int("step", (int64_t)w->step), log_int("limit_ms", STOP_LIMIT_MS));
	log_stop(LAST_LINES_MS);
	_exit(EXIT_FAILED);
}

static void on_request_turn(uv_timer_t *timer)
{
	struct worker *w = timer->data;

	if (w->request_turns++ < REQUESTS_LIMIT_MS / REQUESTS_TURN_MS &&
	    http_server_expects_requests(w->server))
		return;
	uv_timer_stop(timer);
	next_step(w);
}

static void on_drained(uv_timer_t *timer)
{
	struct worker *w = timer->data;

	http_server_stop_listening(w->server);
	uv_timer_start(timer, on_request_turn, 0, REQUESTS_TURN_MS);
}

/* Readiness ends first. If a drain time is set, everything else works until it is over, so that
 * the load balancer notices. */
void stop_begin(struct worker *w)
{
	w->stopping = true;
	w->health.stopping = true;
	if (w->reporter)
		reporter_stopping(w->reporter);
	uv_timer_start(&w->stop_limit, on_stop_limit, STOP_LIMIT_MS, 0);
	if (w->server)
		uv_timer_start(&w->drain, on_drained, w->config->drain_s * UINT64_C(1000), 0);
	else
		next_step(w);
}
