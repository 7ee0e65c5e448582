/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Liveness says only that the loop runs. Readiness says whether this worker can do its work now,
 * and if not, why.
 */
#include "app/health.h"

#include <stdio.h>

#include "core/metrics.h"

static void answer_alive(struct http_request *request, void *owner)
{
	(void)owner;
	http_respond(request, 200, "application/json", STR("{\"status\":\"ok\"}\n"));
}

enum condition health_condition(const struct health *health)
{
	if (health->stopping)
		return CONDITION_STOPPING;
	if (store_trouble(health->store))
		return CONDITION_NO_STORE;
	if (!redis_is_up(health->redis) || !bus_tail_is_up(health->tail))
		return CONDITION_NO_REDIS;
	if (!bus_consumer_is_ready(health->consumer))
		return CONDITION_NO_GROUP;
	if (sse_is_stale(health->sse))
		return CONDITION_STALE;
	return CONDITION_READY;
}

/* Returns NULL when ready, else a sentence that says what is missing, perhaps in `room`. */
static const char *missing_part(const struct health *health, char *room, size_t size)
{
	static const char *const sentences[] = {
		[CONDITION_READY] = NULL,
		[CONDITION_STALE] = "redis: live streams lag behind the source",
		[CONDITION_NO_GROUP] = "redis: the consumer group does not exist yet",
		[CONDITION_NO_REDIS] = "redis is not reachable",
		[CONDITION_NO_STORE] = "store",
		[CONDITION_STARTING] = "starting",
		[CONDITION_STOPPING] = "stopping",
	};
	enum condition condition = health_condition(health);

	if (condition != CONDITION_NO_STORE)
		return sentences[condition];
	snprintf(room, size, "store: %s", store_trouble(health->store));
	return room;
}

static void answer_ready(struct http_request *request, void *owner)
{
	char room[80];
	const char *missing = missing_part(owner, room, sizeof(room));

	if (missing)
		http_respond_fault(request, HTTP_SERVICE_UNAVAILABLE, NULL, missing);
	else
		http_respond(request, 200, "application/json", STR("{\"status\":\"ready\"}\n"));
}

static void answer_metrics(struct http_request *request, void *owner)
{
	struct buf text;

	(void)owner;
	buf_init(&text, 1024 * 1024);
	metrics_render(&text);
	if (text.err)
		http_respond_error(request, HTTP_INTERNAL_ERROR, NULL);
	else
		http_respond(request, 200, "text/plain; version=0.0.4; charset=utf-8",
			     buf_str(&text));
	buf_done(&text);
}

int health_add_routes(struct health *health, struct http_server *server)
{
	const struct http_route routes[] = {
		{ HTTP_GET, "/healthz", ACCESS_PUBLIC, answer_alive, health },
		{ HTTP_GET, "/readyz", ACCESS_PUBLIC, answer_ready, health },
		{ HTTP_GET, "/metrics", ACCESS_PUBLIC, answer_metrics, health },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
