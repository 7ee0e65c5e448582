/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What goes over a connection to Redis: commands and their replies, or one subscription. Replies
 * come in the order of the commands, so the waiting ones are a queue; an overdue one, or a reply
 * that nobody waits for, means that the connection is lost.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/redis_parts.h"

#define LISTEN_TIMEOUT_MS 5000
#define LISTEN_IDLE_MS    15000 /* between the PINGs of a subscribed connection */
#define WAITING_MAX       10000
#define TEXT_ARGS_MAX     32

struct command {
	struct list link;
	redis_reply_fn on_reply;
	void *owner;
	uint64_t due_ms;
};

/* ---- commands ------------------------------------------------------------------------------ */

static void encode(struct buf *out, int argc, const struct str *argv)
{
	buf_reset(out);
	buf_addf(out, "*%d\r\n", argc);
	for (int i = 0; i < argc; i++) {
		buf_addf(out, "$%zu\r\n", argv[i].len);
		buf_add_str(out, argv[i]);
		buf_add(out, "\r\n", 2);
	}
}

static void watch_until(struct redis *redis, uint64_t due_ms)
{
	uint64_t now_ms = uv_now(redis->options.loop);

	if (redis->watch_due_ms && redis->watch_due_ms <= due_ms)
		return;
	redis->watch_due_ms = due_ms;
	redis_set_timer(redis, due_ms > now_ms ? due_ms - now_ms : 0);
}

int redis_enqueue(struct redis *redis, unsigned timeout_ms, redis_reply_fn on_reply, void *owner,
		  int argc, const struct str *argv)
{
	struct command *command;
	int rc;

	if (redis->waiting_count >= WAITING_MAX)
		return -ENOBUFS;
	encode(&redis->scratch, argc, argv);
	if (redis->scratch.err)
		return -ENOMEM;
	command = malloc(sizeof(*command));
	if (!command)
		return -ENOMEM;
	rc = redis_link_write(redis->link, redis->scratch.bytes, redis->scratch.len);
	if (rc) {
		free(command);
		return rc;
	}
	*command = (struct command){ .on_reply = on_reply,
				     .owner = owner,
				     .due_ms = uv_now(redis->options.loop) + timeout_ms };
	list_init(&command->link);
	list_add_tail(&redis->waiting, &command->link);
	redis->waiting_count++;
	watch_until(redis, command->due_ms);
	return 0;
}

int redis_send(struct redis *redis, unsigned timeout_ms, redis_reply_fn on_reply, void *owner,
	       int argc, const struct str *argv)
{
	assert(argc > 0);
	if (redis->phase != PHASE_UP || redis->on_message)
		return -ENOTCONN;
	return redis_enqueue(redis, timeout_ms, on_reply, owner, argc, argv);
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

/* ---- subscribed ---------------------------------------------------------------------------- */

static void await_answer(struct redis *redis)
{
	redis->answer_is_due = true;
	redis->watch_due_ms = 0;
	redis_set_timer(redis, LISTEN_TIMEOUT_MS);
}

int redis_subscribe(struct redis *redis, const char *channel,
		    void (*on_message)(struct str message, void *owner), void *owner)
{
	int rc;

	if (redis->phase != PHASE_UP || redis->on_message)
		return -ENOTCONN;
	assert(list_is_empty(&redis->waiting));
	encode(&redis->scratch, 2, (const struct str[]){ STR("SUBSCRIBE"), str_of(channel) });
	if (redis->scratch.err)
		return -ENOMEM;
	rc = redis_link_write(redis->link, redis->scratch.bytes, redis->scratch.len);
	if (rc)
		return rc;
	redis->on_message = on_message;
	redis->message_owner = owner;
	await_answer(redis);
	return 0;
}

/* Nobody would notice a dead peer on a connection that only listens. */
static void judge_listening(struct redis *redis)
{
	if (redis->answer_is_due) {
		redis_lose(redis, "no reply in time");
		return;
	}
	encode(&redis->scratch, 1, (const struct str[]){ STR("PING") });
	if (redis->scratch.err ||
	    redis_link_write(redis->link, redis->scratch.bytes, redis->scratch.len)) {
		redis_lose(redis, "out of memory");
		return;
	}
	await_answer(redis);
}

/* Looks at all, because a later command may be less patient than an earlier one. */
void redis_judge_waiting(struct redis *redis)
{
	uint64_t now_ms = uv_now(redis->options.loop);
	uint64_t next_ms = 0;

	if (redis->on_message) {
		judge_listening(redis);
		return;
	}
	redis->watch_due_ms = 0;
	LIST_EACH (link, &redis->waiting) {
		const struct command *command = list_item(link, struct command, link);

		if (command->due_ms <= now_ms) {
			redis_lose(redis, "no reply in time");
			return;
		}
		if (next_ms == 0 || command->due_ms < next_ms)
			next_ms = command->due_ms;
	}
	if (next_ms)
		watch_until(redis, next_ms);
}

uint64_t redis_last_due_ms(const struct redis *redis)
{
	uint64_t last_ms = 0;

	LIST_EACH (link, &redis->waiting) {
		const struct command *command = list_item(link, struct command, link);

		if (command->due_ms > last_ms)
			last_ms = command->due_ms;
	}
	return last_ms;
}

static struct str element_text(const redisReply *reply, size_t i)
{
	if (reply->type != REDIS_REPLY_ARRAY || i >= reply->elements ||
	    reply->element[i]->type != REDIS_REPLY_STRING)
		return (struct str){ NULL, 0 };
	return (struct str){ reply->element[i]->str, (size_t)reply->element[i]->len };
}

static void take_push(struct redis *redis, const redisReply *reply)
{
	struct str what = element_text(reply, 0);
	struct str message = element_text(reply, 2);

	if (reply->type == REDIS_REPLY_ERROR) {
		redis_lose(redis, reply->str);
	} else if (what.at && str_is(what, "message") && message.at) {
		redis->on_message(message, redis->message_owner);
	} else if (what.at && (str_is(what, "subscribe") || str_is(what, "pong"))) {
		redis->answer_is_due = false;
		redis_set_timer(redis, LISTEN_IDLE_MS);
	} else {
		redis_lose(redis, "nonsense on a subscribed connection");
	}
}

/* Owners may close the connection from here, but not send: it is not up. */
void redis_fail_waiting(struct redis *redis)
{
	struct list lost;

	list_init(&lost);
	list_splice_tail(&lost, &redis->waiting);
	redis->waiting_count = 0;
	while (!list_is_empty(&lost)) {
		struct command *command = list_item(lost.next, struct command, link);
		redis_reply_fn on_reply = command->on_reply;
		void *owner = command->owner;

		list_remove(&command->link);
		free(command);
		on_reply(NULL, owner);
	}
}

/* ---- replies --------------------------------------------------------------------------- */

bool redis_is_error(const redisReply *reply, const char *code)
{
	size_t len = strlen(code);

	return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, code, len) == 0 &&
	       (reply->str[len] == ' ' || reply->str[len] == '\0');
}

/* Errors that mean: not this server, or not now. Perhaps another one answers next time. */
static void judge_error(struct redis *redis, const redisReply *reply)
{
	static const char *const useless[] = { "LOADING", "NOAUTH", "MASTERDOWN", "READONLY" };
	static const char *const sharded[] = { "MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN" };
	char why[sizeof(redis->why)];

	for (size_t i = 0; i < ARRAY_LEN(useless); i++) {
		if (redis_is_error(reply, useless[i]))
			redis_lose(redis, reply->str);
	}
	for (size_t i = 0; i < ARRAY_LEN(sharded); i++) {
		if (!redis_is_error(reply, sharded[i]))
			continue;
		snprintf(why, sizeof(why),
			 "a cluster of several shards cannot be used, and the server says %.120s",
			 reply->str);
		redis_lose(redis, why);
	}
}

void redis_take_reply(struct redis *redis, const redisReply *reply)
{
	struct command *command;
	redis_reply_fn on_reply;
	void *command_owner;

	if (redis->on_message) {
		take_push(redis, reply);
		return;
	}
	if (list_is_empty(&redis->waiting)) {
		redis_lose(redis, "a reply nobody asked for");
		return;
	}
	command = list_item(redis->waiting.next, struct command, link);
	on_reply = command->on_reply;
	command_owner = command->owner;
	list_remove(&command->link);
	free(command);
	redis->waiting_count--;
	on_reply(reply, command_owner);
	judge_error(redis, reply);
}
