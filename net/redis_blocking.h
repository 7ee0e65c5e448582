/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The connection of the command line. It blocks: each call returns when Redis has answered, or does
 * not answer in time.
 */
#ifndef NET_REDIS_BLOCKING_H
#define NET_REDIS_BLOCKING_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "net/redis_address.h"
#include "net/redis_reply.h"

struct redis_blocking;

/* Connects, logs in and selects the database. -ENOTCONN with the fault in *why, or -ENOMEM. Close
 * *out in any case; it may be NULL. */
int redis_blocking_open(const struct redis_address *address, struct redis_blocking **out,
			struct reason *why) must_check;
/* Accepts NULL. Returns false, with nothing freed, if a name server does not answer. Then close
 * again, or end the process with _exit(): exit() would wait for the name server, too. */
bool redis_blocking_close(struct redis_blocking *redis) must_check;

struct redis_blocking_command {
	int argc;
	const struct str *argv;
	redis_reply_fn on_reply; /* called from within redis_blocking_send(), never with NULL */
	void *owner;
};

/* 0 after the call of on_reply; else -ENOTCONN with the fault in *why, or -ENOMEM. After a failure
 * every further call fails, too. */
int redis_blocking_send(struct redis_blocking *redis, const struct redis_blocking_command *command,
			struct reason *why) must_check;

#endif
