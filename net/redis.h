/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One connection to Redis that comes back by itself, on hiredis and the loop.
 *
 * Happy path: the name is resolved off the loop, the socket connected, AUTH and SELECT sent, and
 * on_up called; from there commands go out pipelined and their replies come back in order.
 * Failure: on any error or missed reply time-out the connection is dropped, every waiting
 * command gets its callback once with a NULL reply, on_down is called, and a new try follows after
 * a growing pause (100 ms to 5 s). Nothing is sent again: what was lost is for the owner to repeat.
 */
#ifndef NET_REDIS_H
#define NET_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "core/secret.h"
#include "core/str.h"

/* From REDIS_URL: redis://[user[:password]@]host[:port][/db] (or ?db=n) and unix:///path[?db=n].
 * Without a password nobody logs in. rediss:// (TLS) is refused with a clear sentence. */
struct redis_address {
	char host[256]; /* empty for a Unix socket */
	char path[108];
	int port;
	int db;
	char user[128];
	struct secret password;
};

int redis_address_parse(struct str url, struct redis_address *out, struct reason *why) must_check;
void redis_address_done(struct redis_address *address);

struct redis;

/* `reply` is NULL when the connection broke first; it is freed after the callback. Redis errors
 * arrive as replies of type REDIS_REPLY_ERROR. */
typedef void (*redis_reply_fn)(const redisReply *reply, void *owner);

struct redis_options {
	uv_loop_t *loop;
	const struct redis_address *address; /* must outlive the connection */
	const char *name;                    /* for logs, and CLIENT SETNAME */
	void (*on_up)(void *owner);          /* both may be NULL */
	void (*on_down)(void *owner);        /* once per loss, also when the very first try fails */
	void *owner;
};

/* 0 or -ENOMEM. The first try starts on the next loop turn. Tries for ever until closed. */
int redis_open(const struct redis_options *options, struct redis **out) must_check;

/* Waiting commands get NULL; on_closed (may be NULL) comes last. All of it on a later loop turn;
 * on_up and on_down do not come any more. Accepts NULL and then does nothing at all. */
void redis_close(struct redis *redis, void (*on_closed)(void *owner), void *owner);

bool redis_is_up(const struct redis *redis);

#define REDIS_ID_SIZE 48 /* Redis's ids have forty characters */

/*
 * Which server answers, and which history it holds. `replid` names the history that it writes: it
 * is the same on a master and its replicas, and a replica that becomes master begins a new one. Then
 * `replid2` names the one before, and `second_offset` says up to which byte the two are the same.
 */
struct redis_identity {
	char run_id[REDIS_ID_SIZE];  /* another one after every restart */
	char replid[REDIS_ID_SIZE];  /* each is empty where the server does not say */
	char replid2[REDIS_ID_SIZE]; /* empty: none */
	int64_t second_offset;       /* -1: none */
};

/* Of the present connection; valid in on_up and until the next one is made. */
const struct redis_identity *redis_identity(const struct redis *redis);

/* Sends one command. 0, and on_reply will be called exactly once, never from within this call;
 * or -ENOTCONN, -ENOBUFS (more than 10,000 waiting) or -ENOMEM, and it will not. timeout_ms counts
 * from now and bounds the wait for this reply (a blocking command adds its own wait). */
int redis_send(struct redis *redis, unsigned timeout_ms, redis_reply_fn on_reply, void *owner,
	       int argc, const struct str *argv) must_check;

/* The same from C strings; the list ends with NULL. */
int redis_send_text(struct redis *redis, unsigned timeout_ms, redis_reply_fn on_reply, void *owner,
		    ...) must_check __attribute__((sentinel));

/* SUBSCRIBE: on_message for every message, until the connection goes; subscribe again in on_up.
 * The connection can carry nothing else then. */
int redis_subscribe(struct redis *redis, const char *channel,
		    void (*on_message)(struct str message, void *owner), void *owner) must_check;

/* Drops the connection as if it had failed; for owners that got nonsense. `why` is logged. The
 * waiting commands and on_down are told on the next loop turn. Nothing when it is not up. */
void redis_fail(struct redis *redis, const char *why);

/* Blocking connection for the command line: connected, authenticated, database selected; or NULL
 * with the fault in *why. Free with redisFree(). */
redisContext *redis_connect_blocking(const struct redis_address *address, struct reason *why);

#endif
