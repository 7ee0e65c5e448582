/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One connection to Redis that reconnects by itself.
 *
 * Happy path: it resolves the name off the loop, connects, greets the server (net/redis_greeting.h)
 * and calls on_up. From then on it pipelines commands and delivers their replies in order. Failure:
 * on any error or overdue reply it drops the connection, gives every waiting command its callback
 * once with a NULL reply, and calls on_down. It tries again after a growing pause (100 ms to 5 s).
 * It sends nothing twice: only the owner knows whether a lost command may be repeated.
 */
#ifndef NET_REDIS_H
#define NET_REDIS_H

#include <stdbool.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/str.h"
#include "net/redis_address.h"
#include "net/redis_identity.h"
#include "net/redis_master.h"
#include "net/redis_reply.h"

struct redis;

enum redis_role { REDIS_MASTER, REDIS_SENTINEL };

struct redis_options {
	uv_loop_t *loop;
	const struct redis_address *address; /* must outlive the connection */
	struct redis_master *master; /* of the same address; NULL: always use the first host */
	enum redis_role role;  /* REDIS_SENTINEL: tries one host of the address after the other */
	const char *name;      /* for logs, and CLIENT SETNAME */
	unsigned max_pause_ms; /* between two tries; 0: 5 s */
	void (*on_up)(void *owner);   /* both may be NULL */
	void (*on_down)(void *owner); /* once per loss, also when the very first try fails */
	void *owner;
};

/* 0 or -ENOMEM. The first try starts on the next loop turn. It tries until it is closed. */
int redis_open(const struct redis_options *options, struct redis **out) must_check;

/* Waiting commands get NULL; on_closed (may be NULL) comes last. Both come on a later loop turn.
 * on_up and on_down are no longer called. Accepts NULL, and then calls on_closed at once. */
void redis_close(struct redis *redis, void (*on_closed)(void *owner), void *owner);

bool redis_is_up(const struct redis *redis);

/* Why the connection was lost, or could not be made, the last time. */
const char *redis_fault(const struct redis *redis);

/* The server of the current connection; valid in on_up and until the next connection is made. */
const struct redis_identity *redis_identity(const struct redis *redis);

/* Sends one command. On 0 on_reply is called exactly once, never from within this call. On
 * -ENOTCONN, -ENOBUFS (more than 10,000 waiting) or -ENOMEM it is not called. timeout_ms counts
 * from now and limits the wait for this reply. Add the wait of a blocking command to it. */
int redis_send(struct redis *redis, unsigned timeout_ms, redis_reply_fn on_reply, void *owner,
	       int argc, const struct str *argv) must_check;

/* The same from C strings; the list ends with NULL. */
int redis_send_text(struct redis *redis, unsigned timeout_ms, redis_reply_fn on_reply, void *owner,
		    ...) must_check __attribute__((sentinel));

/* True when no command waits for its reply. */
bool redis_is_idle(const struct redis *redis);

/* SUBSCRIBE: on_message for every message until the connection is lost; subscribe again in on_up.
 * Commands that wait are still answered; the connection then carries nothing else. */
int redis_subscribe(struct redis *redis, const char *channel, redis_message_fn on_message,
		    void *owner) must_check;

/* Drops the connection as if it had failed, for owners that got an unusable reply. `why` is logged.
 * Waiting commands and on_down are called on the next loop turn. Does nothing when it is not up. */
void redis_fail(struct redis *redis, const char *why);

#endif
