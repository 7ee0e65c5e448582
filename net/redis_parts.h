/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What redis.c (the connection: its phases, its loss and its return), redis_greeting.c (its first
 * words) and redis_commands.c (commands, a subscription) share. Nobody else includes this.
 */
#ifndef NET_REDIS_PARTS_H
#define NET_REDIS_PARTS_H

#include "core/backoff.h"
#include "core/buf.h"
#include "core/list.h"
#include "net/redis.h"
#include "net/redis_link.h"
#include "net/redis_master.h"

enum phase {
	PHASE_PAUSED,
	PHASE_RESOLVING,
	PHASE_CONNECTING,
	PHASE_GREETING,
	PHASE_UP,
	PHASE_BROKEN,
	PHASE_CLOSING
};

/* Of one kind of log line, so that no Redis can fill the log. */
struct redis_lines {
	uint64_t minute_began_ms;
	unsigned this_minute;
};

/* True for the first five of a minute. */
bool redis_may_log(struct redis_lines *lines, const uv_loop_t *loop);

struct redis {
	struct redis_options options;
	char name[64];
	enum phase phase;
	uv_timer_t timer;
	struct redis_host host;       /* of this try; port 0: none is known */
	struct redis_host asked_host; /* that is being resolved */
	struct redis_master *master;  /* NULL: this is the connection to the sentinels */
	bool owns_master;
	struct list sibling; /* among the master's connections */
	size_t sentinel;     /* which one the next try goes to */
	bool role_is_asked;
	uv_getaddrinfo_t resolving;
	bool is_resolving;
	struct addrinfo *addresses;
	const struct addrinfo *next_address;
	struct redis_link *link;
	unsigned open_handles; /* the timer, the request to resolve, links not yet closed */
	struct list waiting;   /* commands, in the order they were sent */
	size_t waiting_count;
	uint64_t watch_due_ms; /* when the timer looks at the waiting commands; 0: it does not */
	struct buf scratch;    /* the command being written */
	struct backoff backoff;
	uint64_t up_since_ms;
	bool was_up; /* in this try */
	bool was_ever_up;
	bool down_is_told;
	bool loss_is_logged;
	bool arrival_is_news; /* worth a line when it is up */
	unsigned losses;      /* since the last line about one */
	struct redis_lines lines;
	char why[200];        /* of the loss in hand */
	char logged_why[200]; /* the same fault again and again is one line */
	struct redis_identity identity;
	bool is_cluster_node;
	void (*on_message)(struct str message, void *owner);
	void *message_owner;
	bool answer_is_due; /* a subscribed connection owes us a confirmation or a pong */
	void (*on_closed)(void *owner);
	void *close_owner;
};

/* The connection is no good: the next loop turn tells everybody. Nothing when that is known. */
void redis_lose(struct redis *redis, const char *why);

/* The connection to the sentinels of the address, in turn: another one for each try. */
int redis_open_to_sentinel(const struct redis_options *options, struct redis **out) must_check;

/* The sentinels name another host for the server, or the first one. */
void redis_relocate(struct redis *redis);

/* Asks ROLE, unless it cannot or has. What is no master is lost. */
void redis_ask_role(struct redis *redis);

/* The greeting was answered. */
void redis_arrive(struct redis *redis);

void redis_set_timer(struct redis *redis, uint64_t after_ms);

/* Its answers move the phase. */
int redis_send_greeting(struct redis *redis) must_check;

/* From the answer to INFO; what is missing there is empty in *out. */
void redis_identity_parse(struct str info, struct redis_identity *out);

/* redis_send() in any phase with a link. */
int redis_enqueue(struct redis *redis, unsigned timeout_ms, redis_reply_fn on_reply, void *owner,
		  int argc, const struct str *argv) must_check;

/* When the most patient of the waiting commands gives up; 0: none waits. */
uint64_t redis_last_due_ms(const struct redis *redis);

/* An error reply whose first word is `code`. */
bool redis_is_error(const redisReply *reply, const char *code);

/* A reply came in. */
void redis_take_reply(struct redis *redis, const redisReply *reply);

/* The timer fired while GREETING or UP: is something overdue? */
void redis_judge_waiting(struct redis *redis);

/* Every waiting command gets its NULL. */
void redis_fail_waiting(struct redis *redis);

#endif
