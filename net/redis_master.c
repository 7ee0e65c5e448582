/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All connections of a process agree on one server.
 *
 * A TCP connection stays with the server it was made to, whatever happens to that server's rank or
 * to the name it was found by. So after a failover some connections may be at the new master and
 * some at the old one, which answers as ever when it was only cut off. Three things end that:
 *
 * - The newest connection decides. When it finds another run id than the one in force, the
 *    connections to that one are lost and come back by the same way. Only a server that names our
 *    history as its successor's past (replid2) is refused, as long as the successor is there.
 * - Every five seconds each connection asks ROLE. One that finds no master is lost, and with it
 *    all others to the same server: a subscribed connection cannot ask.
 * - With Sentinel, one connection goes to a sentinel and asks for the master every second. When the
 *    answer changes, all connections are lost. A sentinel that does not answer, does not know the
 *    name, or whose master cannot be used, is left for the next one.
 */
#include "net/redis_master.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "net/redis_parts.h"

#define TICK_MS           1000
#define ROLE_TICKS        5
#define SENTINEL_WAIT_MS  2000
#define WHY_SIZE          200
#define SENTINEL_TRUST_MS 5000 /* before a failing master makes us ask another sentinel */

struct redis_master {
	uv_loop_t *loop;
	const struct redis_address *address;
	uv_timer_t timer;
	unsigned ticks;
	struct list connections;
	struct redis_identity in_force; /* empty run id: nobody was here yet */
	bool stranger_is_noted;
	struct redis *sentinel; /* NULL: the address says where the server is */
	bool is_asking;
	uint64_t trusted_since_ms;
	struct redis_host named;  /* by a sentinel; empty: not yet */
	struct redis_lines lines; /* about it */
	unsigned open_handles;
	void (*on_closed)(void *owner);
	void *close_owner;
};

/* ---- the server in force --------------------------------------------------------------- */

static bool is_at(const struct redis *redis, const char *run_id)
{
	return redis->phase == PHASE_UP && strcmp(redis->identity.run_id, run_id) == 0;
}

static bool has_connection_to(const struct redis_master *master, const char *run_id)
{
	LIST_EACH (link, &master->connections) {
		if (is_at(list_item(link, struct redis, sibling), run_id))
			return true;
	}
	return false;
}

/* Whether `other` holds the history that the server in force has gone on from. */
static bool was_replaced(const struct redis_master *master, const struct redis_identity *other)
{
	return strcmp(master->in_force.run_id, other->run_id) != 0 && other->replid[0] &&
	       strcmp(master->in_force.replid2, other->replid) == 0 &&
	       has_connection_to(master, master->in_force.run_id);
}

bool redis_master_admit(struct redis_master *master, struct redis *redis)
{
	const struct redis_identity *found = &redis->identity;

	if (!found->run_id[0])
		return true; /* nobody can tell */
	if (was_replaced(master, found)) {
		redis_lose(redis, "the server was replaced by another master");
		return false;
	}
	if (strcmp(master->in_force.run_id, found->run_id) != 0) {
		LIST_EACH (link, &master->connections) {
			struct redis *other = list_item(link, struct redis, sibling);

			if (other->identity.run_id[0] && !is_at(other, found->run_id) &&
			    other->phase == PHASE_UP)
				redis_lose(other, "another server is the master now");
		}
	}
	master->in_force = *found;
	return true;
}

void redis_master_depose(struct redis_master *master, struct redis *redis, const char *why)
{
	LIST_EACH (link, &master->connections) {
		struct redis *other = list_item(link, struct redis, sibling);

		if (is_at(other, redis->identity.run_id))
			redis_lose(other, why);
	}
	redis_lose(redis, why);
}

bool redis_master_notes_stranger(struct redis_master *master)
{
	bool is_first = !master->stranger_is_noted;

	master->stranger_is_noted = true;
	return is_first;
}

/* ---- the sentinels --------------------------------------------------------------------- */

const struct redis_host *redis_master_host(const struct redis_master *master)
{
	if (!master->sentinel)
		return &master->address->hosts[0];
	return master->named.port ? &master->named : NULL;
}

const char *redis_master_riddle(const struct redis_master *master)
{
	return master->sentinel ? redis_fault(master->sentinel) : "";
}

static bool is_host_name(const redisReply *text)
{
	for (size_t i = 0; i < (size_t)text->len; i++) {
		if (!isalnum((unsigned char)text->str[i]) && !strchr("-._:%", text->str[i]))
			return false;
	}
	return text->len > 0;
}

/* Two texts, the host and the port. */
static bool read_host(const redisReply *reply, struct redis_host *out)
{
	unsigned long long port;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[1]->type != REDIS_REPLY_STRING || !is_host_name(reply->element[0]) ||
	    (size_t)reply->element[0]->len >= sizeof(out->name) ||
	    !str_to_u64(str_of(reply->element[1]->str), &port) || port == 0 || port > 65535)
		return false;
	snprintf(out->name, sizeof(out->name), "%s", reply->element[0]->str);
	out->port = (int)port;
	return true;
}

static void go_to(struct redis_master *master, const struct redis_host *host)
{
	if (master->named.port == host->port && strcmp(master->named.name, host->name) == 0)
		return;
	master->named = *host;
	if (redis_may_log(&master->lines, master->loop))
		log_info("the sentinels name the master",
			 log_str("master", master->address->master_name),
			 log_str("host", host->name), log_int("port", host->port));
	LIST_EACH (link, &master->connections)
		redis_relocate(list_item(link, struct redis, sibling));
}

static void on_named(const redisReply *reply, void *owner)
{
	struct redis_master *master = owner;
	struct redis_host host = { .port = 0 };
	char why[WHY_SIZE];

	master->is_asking = false;
	if (!reply)
		return;
	if (reply->type == REDIS_REPLY_NIL) {
		snprintf(why, sizeof(why), "the sentinel knows no master named %s",
			 master->address->master_name);
		redis_fail(master->sentinel, why);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		redis_fail(master->sentinel, reply->str);
	} else if (!read_host(reply, &host)) {
		redis_fail(master->sentinel, "the sentinel's answer makes no sense");
	} else {
		go_to(master, &host);
	}
}

static void ask_sentinel(struct redis_master *master)
{
	if (master->is_asking || !redis_is_up(master->sentinel))
		return;
	if (redis_send_text(master->sentinel, SENTINEL_WAIT_MS, on_named, master, "SENTINEL",
			    "get-master-addr-by-name", master->address->master_name, NULL))
		redis_fail(master->sentinel, "out of memory");
	else
		master->is_asking = true;
}

static void on_sentinel_up(void *owner)
{
	struct redis_master *master = owner;

	master->trusted_since_ms = uv_now(master->loop);
	ask_sentinel(master);
}

void redis_master_doubt(struct redis_master *master)
{
	if (!master->sentinel || !master->named.port || !redis_is_up(master->sentinel) ||
	    uv_now(master->loop) - master->trusted_since_ms < SENTINEL_TRUST_MS)
		return;
	redis_fail(master->sentinel, "the master it names cannot be used; asking another");
}

/* ---- time ------------------------------------------------------------------------------ */

static void on_tick(uv_timer_t *timer)
{
	struct redis_master *master = timer->data;

	if (master->sentinel)
		ask_sentinel(master);
	if (++master->ticks % ROLE_TICKS)
		return;
	LIST_EACH (link, &master->connections)
		redis_ask_role(list_item(link, struct redis, sibling));
}

/* ---- opening and closing --------------------------------------------------------------- */

void redis_master_join(struct redis_master *master, struct redis *redis)
{
	list_add_tail(&master->connections, &redis->sibling);
}

void redis_master_leave(struct redis *redis)
{
	list_remove(&redis->sibling);
}

static int open_sentinel(struct redis_master *master)
{
	return redis_open_to_sentinel(&(struct redis_options){ .loop = master->loop,
							       .address = master->address,
							       .name = "wrenn-events:sentinel",
							       .on_up = on_sentinel_up,
							       .owner = master },
				      &master->sentinel);
}

int redis_master_open(uv_loop_t *loop, const struct redis_address *address,
		      struct redis_master **out)
{
	struct redis_master *master = calloc(1, sizeof(*master));
	int rc = 0;

	if (!master)
		return -ENOMEM;
	master->loop = loop;
	master->address = address;
	list_init(&master->connections);
	if (address->master_name[0])
		rc = open_sentinel(master);
	if (rc) {
		free(master);
		return rc;
	}
	uv_timer_init(loop, &master->timer);
	master->timer.data = master;
	uv_timer_start(&master->timer, on_tick, TICK_MS, TICK_MS);
	master->open_handles = master->sentinel ? 2 : 1;
	*out = master;
	return 0;
}

static void release_one(void *owner)
{
	struct redis_master *master = owner;

	if (--master->open_handles > 0)
		return;
	if (master->on_closed)
		master->on_closed(master->close_owner);
	free(master);
}

static void on_timer_closed(uv_handle_t *handle)
{
	release_one(handle->data);
}

void redis_master_close(struct redis_master *master, void (*on_closed)(void *owner), void *owner)
{
	if (!master)
		return;
	assert(list_is_empty(&master->connections));
	master->on_closed = on_closed;
	master->close_owner = owner;
	uv_close((uv_handle_t *)&master->timer, on_timer_closed);
	redis_close(master->sentinel, release_one, master); /* accepts NULL */
}
