/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One connection to Redis that reconnects by itself.
 *
 *   PAUSED --> FINDING --> DIALING --> GREETING --> UP
 *     ^           |           |            |         |
 *     |           v           v            v         v
 *     +-------------------- BROKEN <-----------------+
 *
 * and from anywhere to CLOSING. FINDING lasts while no sentinel has named the host. BROKEN lasts
 * until the next loop turn, so that commands get their NULL from the loop and never from within a
 * call of their owner.
 */
#include "net/redis.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/backoff.h"
#include "net/redis_commands.h"
#include "net/redis_dial.h"
#include "net/redis_greeting.h"
#include "net/redis_link.h"
#include "net/redis_outage.h"

#define FINDING_LIMIT_MS 5000
#define PAUSE_FIRST_MS   100
#define PAUSE_MAX_MS     5000
#define STEADY_MS        5000 /* up this long: the next pause is the shortest */
#define TEXT_ARGS_MAX    32

enum phase {
	PHASE_PAUSED,
	PHASE_FINDING,
	PHASE_DIALING,
	PHASE_GREETING,
	PHASE_UP,
	PHASE_BROKEN,
	PHASE_CLOSING
};

struct redis {
	struct redis_options options;
	char name[64];
	enum phase phase;
	uv_timer_t timer;
	size_t next_host;           /* of the address, without a master */
	struct redis_member member; /* of options.master, if there is one */
	struct redis_dial dial;
	struct redis_link *link;
	struct redis_commands commands;
	struct redis_greeting greeting;
	unsigned open_handles; /* the timer, the dial, the commands, links not yet closed */
	struct backoff backoff;
	uint64_t up_since_ms;
	bool was_up;             /* in this try */
	bool on_down_was_called; /* for this loss */
	struct redis_outage outage;
	char why[REDIS_WHY_SIZE]; /* of the last loss */
	void (*on_closed)(void *owner);
	void *close_owner;
};

static void on_timer(uv_timer_t *timer);

static void set_timer(struct redis *redis, uint64_t after_ms)
{
	uv_timer_start(&redis->timer, on_timer, after_ms, 0);
}

/* ---- losing the connection -------------------------------------------------------------- */

static void drop_link(struct redis *redis)
{
	redis_commands_drop_link(&redis->commands);
	if (redis->link)
		redis_link_close(redis->link);
	redis->link = NULL;
}

/* The connection can no longer be used. The next loop turn makes the callbacks. */
static void lose(struct redis *redis, const char *why)
{
	if (redis->phase == PHASE_BROKEN || redis->phase == PHASE_CLOSING)
		return;
	snprintf(redis->why, sizeof(redis->why), "%s", why);
	redis->was_up = redis->phase == PHASE_UP;
	redis->member.is_up = false;
	redis->phase = PHASE_BROKEN;
	redis_dial_stop(&redis->dial);
	drop_link(redis);
	set_timer(redis, 0);
}

static void finish_losing(struct redis *redis)
{
	uint64_t now_ms = uv_now(redis->options.loop);
	unsigned pause_ms;

	if (redis->was_up && now_ms - redis->up_since_ms >= STEADY_MS) {
		backoff_reset(&redis->backoff);
		redis_outage_forget(&redis->outage);
	}
	if (!redis->was_up && redis->options.master)
		redis_master_report_failure(redis->options.master);
	pause_ms = backoff_next_ms(&redis->backoff);
	redis_outage_log_loss(&redis->outage, &(struct redis_loss){ .connection = redis->name,
								    .why = redis->why,
								    .was_up = redis->was_up,
								    .retry_ms = pause_ms,
								    .now_ms = (int64_t)now_ms });
	redis_commands_fail(&redis->commands);
	if (redis->phase == PHASE_BROKEN && !redis->on_down_was_called) {
		redis->on_down_was_called = true;
		if (redis->options.on_down)
			redis->options.on_down(redis->options.owner);
	}
	if (redis->phase != PHASE_BROKEN)
		return; /* its owner has closed it */
	redis->phase = PHASE_PAUSED;
	set_timer(redis, pause_ms);
}

static void arrive(struct redis *redis)
{
	redis->phase = PHASE_UP;
	redis->member.is_up = true;
	redis->up_since_ms = uv_now(redis->options.loop);
	redis->on_down_was_called = false;
	redis_outage_log_arrival(&redis->outage, redis->name);
	if (redis->options.on_up)
		redis->options.on_up(redis->options.owner);
}

/* ---- what the greeting finds ----------------------------------------------------------- */

static void on_unusable(const char *why, void *owner)
{
	lose(owner, why);
}

static void on_greeted(void *owner)
{
	struct redis *redis = owner;

	if (!redis->options.master || redis_master_admit(redis->options.master, &redis->member))
		arrive(redis);
}

static void on_wrong_role(const char *why, void *owner)
{
	struct redis *redis = owner;

	if (redis->options.master)
		redis_master_dismiss(redis->options.master, &redis->member, why);
	else
		lose(redis, why);
}

static const struct redis_greeting_events greeting_events = {
	.on_greeted = on_greeted,
	.on_refused = on_unusable,
	.on_wrong_role = on_wrong_role,
};

/* ---- the link -------------------------------------------------------------------------- */

static void release_one(void *owner)
{
	struct redis *redis = owner;

	if (--redis->open_handles > 0)
		return;
	assert(redis->phase == PHASE_CLOSING);
	redis_commands_fail(&redis->commands);
	if (redis->on_closed)
		redis->on_closed(redis->close_owner);
	free(redis);
}

static void on_link_reply(const redisReply *reply, void *owner)
{
	redis_commands_take_reply(&((struct redis *)owner)->commands, reply);
}

static const struct redis_link_events link_events = {
	.on_reply = on_link_reply,
	.on_broken = on_unusable,
	.on_closed = release_one,
};

static void on_connected(struct redis_link *link, void *owner)
{
	struct redis *redis = owner;

	redis_link_set_owner(link, &link_events, redis);
	redis->link = link;
	redis->open_handles++;
	redis->phase = PHASE_GREETING;
	redis_commands_use(&redis->commands, link);
	if (redis_greeting_start(&redis->greeting))
		lose(redis, "out of memory");
}

static const struct redis_dial_events dial_events = {
	.on_connected = on_connected,
	.on_failed = on_unusable,
};

/* NULL while no sentinel has named the master. Sentinels take turns. */
static const struct redis_host *find_host(struct redis *redis)
{
	const struct redis_address *address = redis->options.address;

	if (redis->options.master)
		return redis_master_host(redis->options.master);
	return &address->hosts[redis->next_host++ % address->host_count];
}

static void find_server(struct redis *redis)
{
	const bool is_unix = redis->options.address->host_count == 0;
	const struct redis_host *host = is_unix ? NULL : find_host(redis);

	if (is_unix || host) {
		redis->phase = PHASE_DIALING;
		uv_timer_stop(&redis->timer);
		redis_dial_start(&redis->dial, host);
	} else {
		redis->phase = PHASE_FINDING;
		set_timer(redis, FINDING_LIMIT_MS);
	}
}

static void give_up_finding(struct redis *redis)
{
	char why[REDIS_WHY_SIZE];

	snprintf(why, sizeof(why), "no sentinel has named the master: %.150s",
		 redis_master_fault(redis->options.master));
	lose(redis, why);
}

static void on_timer(uv_timer_t *timer)
{
	struct redis *redis = timer->data;

	if (redis->phase == PHASE_PAUSED)
		find_server(redis);
	else if (redis->phase == PHASE_FINDING)
		give_up_finding(redis);
	else if (redis->phase == PHASE_BROKEN)
		finish_losing(redis);
}

/* ---- what the other connections find ---------------------------------------------------- */

static void on_moved(void *owner)
{
	struct redis *redis = owner;

	switch (redis->phase) {
	case PHASE_PAUSED:
		set_timer(redis, 0);
		return;
	case PHASE_FINDING:
	case PHASE_DIALING:
		find_server(redis);
		return;
	case PHASE_GREETING:
	case PHASE_UP:
		lose(redis, "the sentinels name another master");
		return;
	case PHASE_BROKEN:
	case PHASE_CLOSING:
		return;
	}
}

static void on_role_check(void *owner)
{
	struct redis *redis = owner;

	if (redis->phase == PHASE_UP && !redis->commands.on_message)
		redis_greeting_check_role(&redis->greeting);
}

static const struct redis_member_events member_events = {
	.on_dismissed = on_unusable,
	.on_moved = on_moved,
	.on_role_check = on_role_check,
};

/* ---- for its owner --------------------------------------------------------------------- */

void redis_fail(struct redis *redis, const char *why)
{
	if (redis->phase == PHASE_UP || redis->phase == PHASE_GREETING)
		lose(redis, why);
}

bool redis_is_up(const struct redis *redis)
{
	return redis->phase == PHASE_UP;
}

bool redis_is_idle(const struct redis *redis)
{
	return list_is_empty(&redis->commands.waiting);
}

const char *redis_fault(const struct redis *redis)
{
	return redis->why;
}

const struct redis_identity *redis_identity(const struct redis *redis)
{
	return &redis->greeting.identity;
}

int redis_send(struct redis *redis, unsigned timeout_ms, redis_reply_fn on_reply, void *owner,
	       int argc, const struct str *argv)
{
	assert(argc > 0);
	if (redis->phase != PHASE_UP || redis->commands.on_message)
		return -ENOTCONN;
	return redis_commands_send(&redis->commands, timeout_ms, on_reply, owner, argc, argv);
}

int redis_send_text(struct redis *redis, unsigned timeout_ms, redis_reply_fn on_reply, void *owner,
		    ...)
{
	struct str argv[TEXT_ARGS_MAX];
	const char *text;
	int argc = 0;
	va_list args;

	va_start(args, owner);
	while ((text = va_arg(args, const char *))) {
		assert(argc < TEXT_ARGS_MAX);
		argv[argc++] = str_of(text);
	}
	va_end(args);
	return redis_send(redis, timeout_ms, on_reply, owner, argc, argv);
}

int redis_subscribe(struct redis *redis, const char *channel, redis_message_fn on_message,
		    void *owner)
{
	if (redis->phase != PHASE_UP || redis->commands.on_message)
		return -ENOTCONN;
	return redis_commands_subscribe(&redis->commands, channel, on_message, owner);
}

/* ---- opening and closing --------------------------------------------------------------- */

static void init_parts(struct redis *redis)
{
	const struct redis_address *address = redis->options.address;
	const bool is_master = redis->options.role == REDIS_MASTER;
	const struct redis_hello hello = {
		.name = redis->name,
		.role = is_master ? "master" : "sentinel",
		.user = is_master ? address->user : "",
		.password = is_master ? &address->password : &address->sentinel_password,
		.db = is_master ? address->db : 0,
	};
	uv_loop_t *loop = redis->options.loop;

	uv_timer_init(loop, &redis->timer);
	redis->timer.data = redis;
	redis_dial_init(&redis->dial, loop, address, &dial_events, redis);
	redis_commands_init(&redis->commands, loop, on_unusable, redis);
	redis_greeting_init(&redis->greeting, &redis->commands, &hello, &greeting_events, redis);
	redis->open_handles = 3; /* the timer, the dial and the commands */
}

static void join_master(struct redis *redis)
{
	redis->member = (struct redis_member){ .identity = &redis->greeting.identity,
					       .events = &member_events,
					       .owner = redis };
	list_init(&redis->member.link);
	if (redis->options.master)
		redis_master_join(redis->options.master, &redis->member);
}

int redis_open(const struct redis_options *options, struct redis **out)
{
	struct redis *redis = calloc(1, sizeof(*redis));
	unsigned max_ms = options->max_pause_ms ? options->max_pause_ms : PAUSE_MAX_MS;

	assert(!options->address->is_tls || options->address->tls);
	assert(options->master || options->role == REDIS_SENTINEL ||
	       !options->address->master_name[0]);
	if (!redis)
		return -ENOMEM;
	redis_outage_init(&redis->outage);
	/* libuv writes without MSG_NOSIGNAL, and Redis may go while we write to it. */
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	redis->options = *options;
	snprintf(redis->name, sizeof(redis->name), "%s", options->name);
	redis->options.name = redis->name;
	redis->phase = PHASE_PAUSED;
	redis->backoff =
		(struct backoff){ .first_ms = max_ms < PAUSE_FIRST_MS ? max_ms : PAUSE_FIRST_MS,
				  .max_ms = max_ms };
	init_parts(redis);
	join_master(redis);
	set_timer(redis, 0);
	*out = redis;
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	release_one(handle->data);
}

void redis_close(struct redis *redis, void (*on_closed)(void *owner), void *owner)
{
	if (!redis) {
		if (on_closed)
			on_closed(owner);
		return;
	}
	assert(redis->phase != PHASE_CLOSING);
	redis->phase = PHASE_CLOSING;
	redis->member.is_up = false;
	redis->on_closed = on_closed;
	redis->close_owner = owner;
	drop_link(redis);
	redis_master_leave(&redis->member);
	redis_dial_close(&redis->dial, release_one);
	redis_commands_close(&redis->commands, release_one);
	uv_close((uv_handle_t *)&redis->timer, on_timer_closed);
}
