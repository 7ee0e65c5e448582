/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One connection to one sentinel, which is asked for the master every second. We leave a sentinel
 * for the next one of the address when it does not answer, does not know the name, or names a
 * master that cannot be used for five seconds.
 */
#include "net/redis_sentinel.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/redis.h"

#define ASK_EVERY_MS    1000
#define ANSWER_LIMIT_MS 2000
#define TRUST_MS        5000 /* before a failing master makes us ask another sentinel */
#define WHY_SIZE        200

struct redis_sentinel {
	const char *master_name;
	struct redis_master *master;
	struct redis_finder finder;
	struct redis *connection;
	uv_timer_t timer;
	bool is_asking;
	uint64_t up_since_ms;
	unsigned open_handles;
	void (*on_closed)(void *owner);
	void *close_owner;
};

/* ---- its answers ----------------------------------------------------------------------- */

static bool is_host_name(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!isalnum((unsigned char)text.at[i]) && !strchr("-._:%", text.at[i]))
			return false;
	}
	return text.len > 0;
}

/* Two texts, the host and the port. */
static bool read_host(const redisReply *reply, struct redis_host *out)
{
	unsigned long long port;
	struct str name;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
		return false;
	name = redis_reply_text(reply->element[0]);
	if (!is_host_name(name) || name.len >= sizeof(out->name) ||
	    !str_to_u64(redis_reply_text(reply->element[1]), &port) || port == 0 || port > 65535)
		return false;
	snprintf(out->name, sizeof(out->name), "%.*s", STR_ARGS(name));
	out->port = (int)port;
	return true;
}

static void on_answer(const redisReply *reply, void *owner)
{
	struct redis_sentinel *sentinel = owner;
	struct redis_host host = { .port = 0 };
	char why[WHY_SIZE];

	sentinel->is_asking = false;
	if (!reply)
		return;
	if (reply->type == REDIS_REPLY_NIL) {
		snprintf(why, sizeof(why), "the sentinel has no master named %s",
			 sentinel->master_name);
		redis_fail(sentinel->connection, why);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		redis_fail(sentinel->connection, reply->str);
	} else if (!read_host(reply, &host)) {
		redis_fail(sentinel->connection, "the sentinel's answer is malformed");
	} else {
		redis_master_move(sentinel->master, &host);
	}
}

static void ask(struct redis_sentinel *sentinel)
{
	if (sentinel->is_asking || !redis_is_up(sentinel->connection))
		return;
	if (redis_send_text(sentinel->connection, ANSWER_LIMIT_MS, on_answer, sentinel, "SENTINEL",
			    "get-master-addr-by-name", sentinel->master_name, NULL))
		redis_fail(sentinel->connection, "out of memory");
	else
		sentinel->is_asking = true;
}

static void on_ask_due(uv_timer_t *timer)
{
	ask(timer->data);
}

static void on_up(void *owner)
{
	struct redis_sentinel *sentinel = owner;

	sentinel->up_since_ms = uv_now(sentinel->timer.loop);
	ask(sentinel);
}

/* ---- the master's finder --------------------------------------------------------------- */

static const char *fault(void *owner)
{
	return redis_fault(((const struct redis_sentinel *)owner)->connection);
}

static void on_bad_host(void *owner)
{
	const struct redis_sentinel *sentinel = owner;

	if (redis_is_up(sentinel->connection) &&
	    uv_now(sentinel->timer.loop) - sentinel->up_since_ms >= TRUST_MS)
		redis_fail(sentinel->connection, "the master that the sentinel named cannot be "
						 "used; asking another sentinel");
}

/* ---- opening and closing --------------------------------------------------------------- */

static int open_connection(struct redis_sentinel *sentinel, uv_loop_t *loop,
			   const struct redis_address *address)
{
	return redis_open(&(struct redis_options){ .loop = loop,
						   .address = address,
						   .role = REDIS_SENTINEL,
						   .name = "wrenn-events:sentinel",
						   .on_up = on_up,
						   .owner = sentinel },
			  &sentinel->connection);
}

int redis_sentinel_open(uv_loop_t *loop, const struct redis_address *address,
			struct redis_master *master, struct redis_sentinel **out)
{
	struct redis_sentinel *sentinel;
	int rc;

	*out = NULL;
	if (!address->master_name[0])
		return 0;
	sentinel = calloc(1, sizeof(*sentinel));
	if (!sentinel)
		return -ENOMEM;
	sentinel->master_name = address->master_name;
	sentinel->master = master;
	rc = open_connection(sentinel, loop, address);
	if (rc) {
		free(sentinel);
		return rc;
	}
	uv_timer_init(loop, &sentinel->timer);
	sentinel->timer.data = sentinel;
	uv_timer_start(&sentinel->timer, on_ask_due, ASK_EVERY_MS, ASK_EVERY_MS);
	sentinel->finder = (struct redis_finder){ .fault = fault,
						  .on_bad_host = on_bad_host,
						  .owner = sentinel };
	redis_master_set_finder(master, &sentinel->finder);
	sentinel->open_handles = 2; /* the connection and the timer */
	*out = sentinel;
	return 0;
}

static void release_one(void *owner)
{
	struct redis_sentinel *sentinel = owner;

	if (--sentinel->open_handles > 0)
		return;
	if (sentinel->on_closed)
		sentinel->on_closed(sentinel->close_owner);
	free(sentinel);
}

static void on_timer_closed(uv_handle_t *handle)
{
	release_one(handle->data);
}

void redis_sentinel_close(struct redis_sentinel *sentinel, void (*on_closed)(void *owner),
			  void *owner)
{
	if (!sentinel) {
		if (on_closed)
			on_closed(owner);
		return;
	}
	sentinel->on_closed = on_closed;
	sentinel->close_owner = owner;
	redis_master_set_finder(sentinel->master, NULL);
	redis_close(sentinel->connection, release_one, sentinel);
	uv_close((uv_handle_t *)&sentinel->timer, on_timer_closed);
}
