/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One connection to Redis that comes back by itself.
 *
 *   PAUSED --> RESOLVING --> CONNECTING --> GREETING --> UP
 *     ^            |             |             |          |
 *     |            v             v             v          v
 *     +---------------------- BROKEN <--------------------+
 *
 * and from anywhere to CLOSING. A Unix socket skips RESOLVING. In GREETING the server shows that it
 * lets us in, is a master, and has its data (redis_greeting.c). BROKEN lasts until the next loop
 * turn, so that commands are told of the loss from the loop and never from within a call of their
 * owner. One timer serves every phase.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/errno_text.h"
#include "core/log.h"
#include "core/metrics.h"
#include "net/redis_parts.h"

#define CONNECT_TIMEOUT_MS 5000
#define PAUSE_FIRST_MS     100
#define PAUSE_MAX_MS       5000
#define STEADY_MS          5000 /* up for so long, a loss starts the pauses from the first */
#define COMMAND_MAX_BYTES  (64u << 20)
#define MINUTE_MS          60000
#define LINES_A_MINUTE     5

static struct metric *reconnects;
static struct metric *losses;

static void register_metrics(void)
{
	reconnects = metric_counter("wrenn_events_redis_reconnects_total", NULL,
				    "Connections to Redis that came back.");
	losses = metric_counter("wrenn_events_redis_losses_total", NULL,
				"Connections to Redis that were lost.");
}

static void on_timer(uv_timer_t *timer);

void redis_set_timer(struct redis *redis, uint64_t after_ms)
{
	uv_timer_start(&redis->timer, on_timer, after_ms, 0);
}

/* ---- losing it -------------------------------------------------------------------------- */

static void drop_link(struct redis *redis)
{
	if (redis->link)
		redis_link_close(redis->link);
	redis->link = NULL;
}

static void drop_addresses(struct redis *redis)
{
	if (redis->addresses)
		uv_freeaddrinfo(redis->addresses);
	redis->addresses = NULL;
	redis->next_address = NULL;
}

void redis_lose(struct redis *redis, const char *why)
{
	if (redis->phase == PHASE_BROKEN || redis->phase == PHASE_CLOSING)
		return;
	snprintf(redis->why, sizeof(redis->why), "%s", why);
	redis->was_up = redis->phase == PHASE_UP;
	redis->phase = PHASE_BROKEN;
	redis->on_message = NULL;
	redis->answer_is_due = false;
	redis->role_is_asked = false;
	drop_link(redis);
	drop_addresses(redis);
	redis_set_timer(redis, 0);
}

bool redis_may_log(struct redis_lines *lines, const uv_loop_t *loop)
{
	uint64_t now_ms = uv_now(loop);

	if (now_ms - lines->minute_began_ms >= MINUTE_MS)
		*lines = (struct redis_lines){ .minute_began_ms = now_ms };
	return lines->this_minute++ < LINES_A_MINUTE;
}

/* The same fault again and again is one line. */
static bool is_news(const struct redis *redis)
{
	return !redis->loss_is_logged || strcmp(redis->logged_why, redis->why) != 0;
}

static void log_loss(struct redis *redis, unsigned pause_ms)
{
	redis->losses++;
	if (!is_news(redis) || !redis_may_log(&redis->lines, redis->options.loop))
		return;
	memcpy(redis->logged_why, redis->why, sizeof(redis->why));
	redis->loss_is_logged = true;
	redis->arrival_is_news = true;
	log_warn("redis is away", log_str("connection", redis->name), log_str("why", redis->why),
		 log_int("retry_ms", pause_ms), log_int("losses", redis->losses));
	redis->losses = 0;
}

static void finish_losing(struct redis *redis)
{
	unsigned pause_ms;

	if (redis->was_up) {
		metric_add(losses, 1);
		if (uv_now(redis->options.loop) - redis->up_since_ms >= STEADY_MS) {
			backoff_reset(&redis->backoff);
			redis->loss_is_logged = false;
		}
	} else if (redis->master) {
		redis_master_doubt(redis->master);
	}
	pause_ms = backoff_next_ms(&redis->backoff);
	log_loss(redis, pause_ms);
	redis_fail_waiting(redis);
	if (redis->phase == PHASE_BROKEN && !redis->down_is_told) {
		redis->down_is_told = true;
		if (redis->options.on_down)
			redis->options.on_down(redis->options.owner);
	}
	if (redis->phase != PHASE_BROKEN)
		return; /* closed by its owner just now */
	redis->phase = PHASE_PAUSED;
	redis_set_timer(redis, pause_ms);
}

void redis_arrive(struct redis *redis)
{
	redis->phase = PHASE_UP;
	redis->up_since_ms = uv_now(redis->options.loop);
	redis->down_is_told = false;
	if (redis->was_ever_up)
		metric_add(reconnects, 1);
	redis->was_ever_up = true;
	if (redis->arrival_is_news)
		log_info("redis is here", log_str("connection", redis->name));
	redis->arrival_is_news = false;
	if (redis->options.on_up)
		redis->options.on_up(redis->options.owner);
}

void redis_fail(struct redis *redis, const char *why)
{
	if (redis->phase == PHASE_UP || redis->phase == PHASE_GREETING)
		redis_lose(redis, why);
}

/* ---- the link's events ----------------------------------------------------------------- */

static void on_link_connected(void *owner)
{
	struct redis *redis = owner;

	drop_addresses(redis);
	redis->phase = PHASE_GREETING;
	redis->watch_due_ms = 0;
	uv_timer_stop(&redis->timer);
	if (redis_send_greeting(redis))
		redis_lose(redis, "out of memory");
}

static void on_link_reply(const redisReply *reply, void *owner)
{
	redis_take_reply(owner, reply);
}

static void connect_next(struct redis *redis);

static void on_link_broken(const char *why, void *owner)
{
	struct redis *redis = owner;

	if (redis->phase == PHASE_CONNECTING && redis->next_address) {
		drop_link(redis);
		connect_next(redis);
	} else {
		redis_lose(redis, why);
	}
}

static void release_one(struct redis *redis)
{
	if (--redis->open_handles > 0)
		return;
	assert(redis->phase == PHASE_CLOSING);
	redis_fail_waiting(redis);
	drop_addresses(redis);
	buf_done(&redis->scratch);
	if (redis->on_closed)
		redis->on_closed(redis->close_owner);
	free(redis);
}

static void on_link_closed(void *owner)
{
	release_one(owner);
}

static const struct redis_link_events link_events = {
	.on_connected = on_link_connected,
	.on_reply = on_link_reply,
	.on_broken = on_link_broken,
	.on_closed = on_link_closed,
};

/* ---- connecting ---------------------------------------------------------------------------- */

static void take_link(struct redis *redis)
{
	redis->open_handles++;
	redis->phase = PHASE_CONNECTING;
	redis->watch_due_ms = 0;
	redis_set_timer(redis, CONNECT_TIMEOUT_MS);
}

/* 0 or a negative errno. `socket_address` is NULL for a Unix socket. */
static int open_link(struct redis *redis, const struct sockaddr *socket_address)
{
	const struct redis_address *address = redis->options.address;
	const struct redis_link_options options = {
		.loop = redis->options.loop,
		.address = socket_address,
		.path = address->path,
		.tls = address->tls,
		.host = redis->host.name,
		.events = &link_events,
		.owner = redis,
	};
	int rc = redis_link_open(&options, &redis->link);

	if (rc == 0)
		take_link(redis);
	return rc;
}

static void connect_next(struct redis *redis)
{
	int rc = -EADDRNOTAVAIL;

	while (rc && redis->next_address) {
		const struct addrinfo *address = redis->next_address;

		redis->next_address = address->ai_next;
		rc = open_link(redis, address->ai_addr);
	}
	if (rc)
		redis_lose(redis, errno_text(rc));
}

static void resolve(struct redis *redis);

static bool is_for(const struct redis_host *host, const struct redis *redis)
{
	return host->port == redis->host.port && strcmp(host->name, redis->host.name) == 0;
}

static void take_addresses(struct redis *redis, int status, struct addrinfo *addresses)
{
	if (redis->phase == PHASE_RESOLVING && !is_for(&redis->asked_host, redis)) {
		uv_freeaddrinfo(addresses); /* accepts NULL */
		resolve(redis);
	} else if (redis->phase == PHASE_RESOLVING && status == 0) {
		redis->addresses = addresses;
		redis->next_address = addresses;
		connect_next(redis);
	} else {
		uv_freeaddrinfo(addresses);
		if (redis->phase == PHASE_RESOLVING)
			redis_lose(redis, errno_text(status));
	}
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
	struct redis *redis = request->data;

	redis->is_resolving = false;
	take_addresses(redis, status, addresses);
	release_one(redis);
}

/* A request that outlived its try's patience is not repeated: its answer serves this one, unless
 * it is for another host. */
static void resolve(struct redis *redis)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC };
	char port[12];
	int rc;

	if (redis->is_resolving)
		return;
	snprintf(port, sizeof(port), "%d", redis->host.port);
	redis->resolving.data = redis;
	redis->asked_host = redis->host;
	rc = uv_getaddrinfo(redis->options.loop, &redis->resolving, on_resolved, redis->host.name,
			    port, &hints);
	if (rc) {
		redis_lose(redis, errno_text(rc));
		return;
	}
	redis->is_resolving = true;
	redis->open_handles++;
}

/* NULL: the sentinels have not said yet. */
static const struct redis_host *find_host(struct redis *redis)
{
	const struct redis_address *address = redis->options.address;

	if (redis->master)
		return redis_master_host(redis->master);
	return &address->hosts[redis->sentinel++ % address->host_count];
}

static void find_server(struct redis *redis)
{
	const struct redis_host *host = find_host(redis);

	redis->phase = PHASE_RESOLVING;
	redis_set_timer(redis, CONNECT_TIMEOUT_MS);
	redis->host = host ? *host : (struct redis_host){ .port = 0 };
	if (host)
		resolve(redis);
}

void redis_relocate(struct redis *redis)
{
	switch (redis->phase) {
	case PHASE_PAUSED:
		redis_set_timer(redis, 0);
		return;
	case PHASE_RESOLVING:
		find_server(redis);
		return;
	case PHASE_CONNECTING:
	case PHASE_GREETING:
	case PHASE_UP:
		redis_lose(redis, "the sentinels name another master");
		return;
	case PHASE_BROKEN:
	case PHASE_CLOSING:
		return;
	}
}

static void tell_late_resolving(struct redis *redis)
{
	char why[sizeof(redis->why)];

	if (redis->host.port) {
		redis_lose(redis, "its name is not resolved in time");
		return;
	}
	snprintf(why, sizeof(why), "no sentinel has named the master: %.150s",
		 redis_master_riddle(redis->master));
	redis_lose(redis, why);
}

static void connect_unix(struct redis *redis)
{
	int rc = open_link(redis, NULL);

	if (rc)
		redis_lose(redis, errno_text(rc));
}

static void on_timer(uv_timer_t *timer)
{
	struct redis *redis = timer->data;

	switch (redis->phase) {
	case PHASE_PAUSED:
		if (redis->options.address->host_count)
			find_server(redis);
		else
			connect_unix(redis);
		return;
	case PHASE_RESOLVING:
		tell_late_resolving(redis);
		return;
	case PHASE_CONNECTING:
		on_link_broken(redis_link_lateness(redis->link), redis);
		return;
	case PHASE_GREETING:
	case PHASE_UP:
		redis_judge_waiting(redis);
		return;
	case PHASE_BROKEN:
		redis->watch_due_ms = 0;
		finish_losing(redis);
		return;
	case PHASE_CLOSING:
		return;
	}
}

/* ---- opening and closing --------------------------------------------------------------- */

static struct redis *allocate(const struct redis_options *options)
{
	struct redis *redis = calloc(1, sizeof(*redis));

	assert(!options->address->is_tls || options->address->tls);
	if (!redis)
		return NULL;
	register_metrics();
	/* libuv writes without MSG_NOSIGNAL, and Redis may go while we write to it. */
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	redis->options = *options;
	snprintf(redis->name, sizeof(redis->name), "%s", options->name);
	redis->options.name = redis->name;
	redis->phase = PHASE_PAUSED;
	redis->arrival_is_news = true;
	redis->backoff = (struct backoff){ .first_ms = PAUSE_FIRST_MS, .max_ms = PAUSE_MAX_MS };
	list_init(&redis->waiting);
	list_init(&redis->sibling);
	buf_init(&redis->scratch, COMMAND_MAX_BYTES);
	redis->open_handles = 1;
	return redis;
}

static void start(struct redis *redis)
{
	uv_timer_init(redis->options.loop, &redis->timer);
	redis->timer.data = redis;
	redis_set_timer(redis, 0);
}

int redis_open_to_sentinel(const struct redis_options *options, struct redis **out)
{
	struct redis *redis = allocate(options);

	if (!redis)
		return -ENOMEM;
	start(redis);
	*out = redis;
	return 0;
}

int redis_open(const struct redis_options *options, struct redis **out)
{
	struct redis *redis = allocate(options);
	int rc = 0;

	if (!redis)
		return -ENOMEM;
	redis->master = options->master;
	if (!redis->master) {
		rc = redis_master_open(options->loop, options->address, &redis->master);
		redis->owns_master = true;
	}
	if (rc) {
		free(redis);
		return rc;
	}
	redis_master_join(redis->master, redis);
	start(redis);
	*out = redis;
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	release_one(handle->data);
}

static void on_master_closed(void *owner)
{
	release_one(owner);
}

void redis_close(struct redis *redis, void (*on_closed)(void *owner), void *owner)
{
	if (!redis)
		return;
	assert(redis->phase != PHASE_CLOSING);
	redis->phase = PHASE_CLOSING;
	redis->on_closed = on_closed;
	redis->close_owner = owner;
	redis->on_message = NULL;
	drop_link(redis);
	redis_master_leave(redis);
	if (redis->owns_master) {
		redis->open_handles++;
		redis_master_close(redis->master, on_master_closed, redis);
	}
	if (redis->is_resolving)
		uv_cancel((uv_req_t *)&redis->resolving); /* its callback comes in any case */
	uv_close((uv_handle_t *)&redis->timer, on_timer_closed);
}

bool redis_is_up(const struct redis *redis)
{
	return redis->phase == PHASE_UP;
}

const char *redis_fault(const struct redis *redis)
{
	return redis->why;
}
