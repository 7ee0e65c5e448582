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

#define REDIS_MAX_HOSTS 8

struct redis_host {
	char name[256]; /* or an IP address */
	int port;
};

struct redis_tls;

/*
 * From REDIS_URL:
 *
 *   redis[s]://[user[:password]@]host[:port][/db]
 *   redis[s]+sentinel://[user:password@]host[:port],host[:port].../master-name[/db]
 *   unix:///path
 *
 * each with ?db=n instead of /db. Without a password nobody logs in; with Sentinel, user and
 * password are those of the master. rediss is TLS, to the sentinels, too.
 */
struct redis_address {
	struct redis_host hosts[REDIS_MAX_HOSTS]; /* the server, or the sentinels */
	size_t host_count;                        /* 0: a Unix socket */
	char master_name[128];                    /* as the sentinels know it; empty: no Sentinel */
	char path[108];                           /* of the Unix socket */
	int db;
	char user[128];
	struct secret password;
	struct secret sentinel_password; /* of their default user; empty: they want none */
	bool is_tls;
	struct redis_tls *tls; /* owned; NULL when not is_tls */
};

/* The URL alone: with TLS it can be judged, but not be used for a connection. */
int redis_address_parse(struct str url, struct redis_address *out, struct reason *why) must_check;

/* NULL: not set, except for the URL. */
struct redis_settings {
	const char *url;
	const char *ca_file; /* with TLS; NULL: the system's certificates */
	const char *cert_file;
	const char *key_file;
	const char *sentinel_password;
};

/* The URL and, with TLS, the files, which are read now. -EINVAL with the setting and its fault in
 * *why, or -ENOMEM. */
int redis_address_read(const struct redis_settings *settings, struct redis_address *out,
		       struct reason *why) must_check;
void redis_address_done(struct redis_address *address);

struct redis;

/*
 * What the connections of a process share, so that all of them talk to the same server: after a
 * failover those at the old master are lost as soon as one of them has found the new one.
 */
struct redis_master;

/* 0 or -ENOMEM. `address` must outlive it. With Sentinel the sentinels are asked from now on. */
int redis_master_open(uv_loop_t *loop, const struct redis_address *address,
		      struct redis_master **out) must_check;

/* After redis_close() of all connections. on_closed (may be NULL) comes on a later loop turn.
 * Accepts NULL and then does nothing at all. */
void redis_master_close(struct redis_master *master, void (*on_closed)(void *owner), void *owner);

/* `reply` is NULL when the connection broke first; it is freed after the callback. Redis errors
 * arrive as replies of type REDIS_REPLY_ERROR. */
typedef void (*redis_reply_fn)(const redisReply *reply, void *owner);

struct redis_options {
	uv_loop_t *loop;
	const struct redis_address *address; /* must outlive the connection */
	struct redis_master *master;         /* of the same address; NULL: one of its own */
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

/* Why it was lost or never came up, the last time. */
const char *redis_fault(const struct redis *redis);

#define REDIS_ID_SIZE 48 /* Redis's ids have forty characters */

/*
 * Which server answers, and which history it holds. `replid` names the history that it writes: it
 * is the same on a master and its replicas, and a replica that becomes master begins a new one.
 * Then `replid2` names the one before, and `second_offset` says up to which byte the two are the
 * same.
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

/* ---- the command line's connection, which waits ------------------------------------- */

struct redis_blocking;

/* Connected, let in, database selected. -ENOTCONN with the fault in *why, or -ENOMEM. */
int redis_blocking_open(const struct redis_address *address, struct redis_blocking **out,
			struct reason *why) must_check;
void redis_blocking_close(struct redis_blocking *redis); /* accepts NULL */

struct redis_question {
	int argc;
	const struct str *argv;
	redis_reply_fn on_reply; /* from within the call, never with NULL */
	void *owner;
};

/* 0 after on_reply was called; else -ENOTCONN with the fault in *why, or -ENOMEM. Once it has
 * failed, it always does. */
int redis_blocking_send(struct redis_blocking *redis, const struct redis_question *question,
			struct reason *why) must_check;

#endif
