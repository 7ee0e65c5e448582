/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Opens and closes the state that connections share. The poller and the waits close last: a handler
 * that is still busy keeps its connection, which may need them once more.
 */
#include "http/pool.h"

static void register_metrics(struct pool_metrics *m)
{
	static const char requests[] = "wrenn_events_http_requests_total";
	static const char help[] = "Answers by class of status";

	m->requests[1] = metric_counter(requests, "class=\"1xx\"", help);
	m->requests[2] = metric_counter(requests, "class=\"2xx\"", help);
	m->requests[3] = metric_counter(requests, "class=\"3xx\"", help);
	m->requests[4] = metric_counter(requests, "class=\"4xx\"", help);
	m->requests[5] = metric_counter(requests, "class=\"5xx\"", help);
	m->connections = metric_gauge("wrenn_events_http_connections", NULL, "Open connections");
	m->bytes_in = metric_counter("wrenn_events_http_received_bytes_total", NULL,
				     "Bytes read from clients");
	m->bytes_out = metric_counter("wrenn_events_http_sent_bytes_total", NULL,
				      "Bytes handed to the kernel for clients");
	m->malformed =
		metric_counter("wrenn_events_http_malformed_total", NULL, "Malformed requests");
	m->timeouts = metric_counter("wrenn_events_http_timeouts_total", NULL,
				     "Connections closed because the client was too slow");
}

int pool_init(struct pool *pool, void (*on_ready)(void *connection, uint32_t events))
{
	list_init(&pool->connections);
	register_metrics(&pool->metrics);
	return poller_init(&pool->poller, on_ready);
}

void pool_done(struct pool *pool)
{
	poller_done(&pool->poller);
}

void pool_start(struct pool *pool, uv_loop_t *loop, const unsigned lengths_ms[WAITS],
		void (*on_due)(struct deadline *deadline, void *pool))
{
	poller_start(&pool->poller, loop);
	for (int i = 0; i < WAITS; i++)
		deadlines_init(&pool->waits[i], loop, lengths_ms[i], on_due, pool);
	pool->open_handles = 1 + WAITS;
}

/* ---- the end ------------------------------------------------------------------------------- */

static void drop_handle(struct pool *pool)
{
	if (--pool->open_handles == 0)
		pool->on_closed(pool);
}

static void on_poller_closed(uv_handle_t *handle)
{
	struct poller *poller = handle->data;

	drop_handle(container_of(poller, struct pool, poller));
}

static void on_wait_closed(struct deadlines *waits)
{
	drop_handle(waits->owner);
}

static void close_when_empty(struct pool *pool)
{
	if (!pool->on_closed || pool->count > 0)
		return;
	poller_close(&pool->poller, on_poller_closed);
	for (int i = 0; i < WAITS; i++)
		deadlines_close(&pool->waits[i], on_wait_closed);
}

void pool_close(struct pool *pool, void (*on_closed)(struct pool *pool))
{
	pool->on_closed = on_closed;
	close_when_empty(pool);
}

/* ---- connections --------------------------------------------------------------------------- */

void pool_add(struct pool *pool, struct list *link)
{
	list_add_tail(&pool->connections, link);
	pool->count++;
	pool->open_count++;
	metric_add(pool->metrics.connections, 1);
}

void pool_retire(struct pool *pool)
{
	pool->open_count--;
}

void pool_remove(struct pool *pool, struct list *link)
{
	list_remove(link);
	pool->count--;
	metric_add(pool->metrics.connections, -1);
	close_when_empty(pool);
}
