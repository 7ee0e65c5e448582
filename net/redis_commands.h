/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The traffic of one connection to Redis: commands and their replies, or one subscription. Replies
 * come in the order of the commands. An overdue reply, a reply that nobody waits for, and an error
 * that makes the server useless call on_unusable; the owner then drops the link. Part of
 * net/redis.c.
 */
#ifndef NET_REDIS_COMMANDS_H
#define NET_REDIS_COMMANDS_H

#include <uv.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/list.h"
#include "net/redis_link.h"
#include "net/redis_reply.h"

struct redis_commands {
	struct redis_link *link; /* NULL: there is no connection */
	uv_timer_t timer;
	struct list waiting; /* for their replies, in the order they were sent */
	size_t waiting_count;
	uint64_t
		watch_due_ms; /* the timer looks at the waiting commands then; 0: it does not run */
	struct buf scratch;   /* the command being written */
	redis_message_fn on_message; /* NULL: not subscribed */
	void *message_owner;
	bool answer_is_due; /* a subscribed connection owes us a confirmation or a pong */
	void (*on_unusable)(const char *why, void *owner);
	void (*on_closed)(void *owner);
	void *owner;
};

void redis_commands_init(struct redis_commands *commands, uv_loop_t *loop,
			 void (*on_unusable)(const char *why, void *owner), void *owner);

/* A connected link, whose owner passes each reply to redis_commands_take_reply(). */
void redis_commands_use(struct redis_commands *commands, struct redis_link *link);

/* The link is gone. The waiting commands keep waiting, until redis_commands_fail(). */
void redis_commands_drop_link(struct redis_commands *commands);

/* Gives every waiting command its NULL. Owners may close the connection from there, but not
 * send. */
void redis_commands_fail(struct redis_commands *commands);

/* on_closed is called on a later loop turn. redis_commands_fail() must follow when commands
 * wait. */
void redis_commands_close(struct redis_commands *commands, void (*on_closed)(void *owner));

/* See redis_send(). There must be a link. */
int redis_commands_send(struct redis_commands *commands, unsigned timeout_ms,
			redis_reply_fn on_reply, void *owner, int argc,
			const struct str *argv) must_check;

/* See redis_subscribe(). There must be a link. Commands may still wait for their replies. */
int redis_commands_subscribe(struct redis_commands *commands, const char *channel,
			     redis_message_fn on_message, void *owner) must_check;

void redis_commands_take_reply(struct redis_commands *commands, const redisReply *reply);

/* When the last of the waiting commands is overdue; 0: none waits. */
uint64_t redis_commands_last_due_ms(const struct redis_commands *commands);

/* Overwrites the command that was written last, because it may hold a password. */
void redis_commands_forget(struct redis_commands *commands);

#endif
