/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The waiting commands are a queue, and one timer watches over it. A subscribed connection sends no
 * commands; the same timer then sends PING, because a connection that only listens would not notice
 * a dead peer.
 */
#include "net/redis_commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTEN_TIMEOUT_MS 5000
#define LISTEN_IDLE_MS    15000 /* between the PINGs of a subscribed connection */
#define WAITING_MAX       10000
#define COMMAND_MAX_BYTES (64u << 20)
#define WHY_SIZE          200

struct redis_command {
	struct list link;
	redis_reply_fn on_reply;
	void *owner;
	uint64_t due_ms;
};

static void on_timer(uv_timer_t *timer);

static void give_up(struct redis_commands *commands, const char *why)
{
	commands->on_unusable(why, commands->owner);
}

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

static void watch_until(struct redis_commands *commands, uint64_t due_ms)
{
	uint64_t now_ms = uv_now(commands->timer.loop);

	if (commands->watch_due_ms && commands->watch_due_ms <= due_ms)
		return;
	commands->watch_due_ms = due_ms;
	uv_timer_start(&commands->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

int redis_commands_send(struct redis_commands *commands, unsigned timeout_ms,
			redis_reply_fn on_reply, void *owner, int argc, const struct str *argv)
{
	struct redis_command *command;
	int rc;

	if (commands->waiting_count >= WAITING_MAX)
		return -ENOBUFS;
	encode(&commands->scratch, argc, argv);
	if (commands->scratch.err)
		return -ENOMEM;
	command = malloc(sizeof(*command));
	if (!command)
		return -ENOMEM;
	rc = redis_link_write(commands->link, commands->scratch.bytes, commands->scratch.len);
	if (rc) {
		free(command);
		return rc;
	}
	*command = (struct redis_command){ .on_reply = on_reply,
					   .owner = owner,
					   .due_ms = uv_now(commands->timer.loop) + timeout_ms };
	list_init(&command->link);
	list_add_tail(&commands->waiting, &command->link);
	commands->waiting_count++;
	watch_until(commands, command->due_ms);
	return 0;
}

/* ---- while subscribed ---------------------------------------------------------------------- */

static void await_answer(struct redis_commands *commands)
{
	commands->answer_is_due = true;
	commands->watch_due_ms = 0;
	uv_timer_start(&commands->timer, on_timer, LISTEN_TIMEOUT_MS, 0);
}

int redis_commands_subscribe(struct redis_commands *commands, const char *channel,
			     redis_message_fn on_message, void *owner)
{
	int rc;

	encode(&commands->scratch, 2, (const struct str[]){ STR("SUBSCRIBE"), str_of(channel) });
	if (commands->scratch.err)
		return -ENOMEM;
	rc = redis_link_write(commands->link, commands->scratch.bytes, commands->scratch.len);
	if (rc)
		return rc;
	commands->on_message = on_message;
	commands->message_owner = owner;
	await_answer(commands);
	return 0;
}

static void judge_listening(struct redis_commands *commands)
{
	if (commands->answer_is_due) {
		give_up(commands, "no reply in time");
		return;
	}
	encode(&commands->scratch, 1, (const struct str[]){ STR("PING") });
	if (commands->scratch.err ||
	    redis_link_write(commands->link, commands->scratch.bytes, commands->scratch.len)) {
		give_up(commands, "out of memory");
		return;
	}
	await_answer(commands);
}

/* Looks at all commands, because a later command may have a shorter timeout than an earlier one. */
static void on_timer(uv_timer_t *timer)
{
	struct redis_commands *commands = timer->data;
	uint64_t now_ms = uv_now(commands->timer.loop);
	uint64_t next_ms = 0;

	if (commands->on_message) {
		judge_listening(commands);
		return;
	}
	commands->watch_due_ms = 0;
	LIST_EACH (link, &commands->waiting) {
		const struct redis_command *command = list_item(link, struct redis_command, link);

		if (command->due_ms <= now_ms) {
			give_up(commands, "no reply in time");
			return;
		}
		if (next_ms == 0 || command->due_ms < next_ms)
			next_ms = command->due_ms;
	}
	if (next_ms)
		watch_until(commands, next_ms);
}

uint64_t redis_commands_last_due_ms(const struct redis_commands *commands)
{
	uint64_t last_ms = 0;

	LIST_EACH (link, &commands->waiting) {
		const struct redis_command *command = list_item(link, struct redis_command, link);

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
	return redis_reply_text(reply->element[i]);
}

static void take_push(struct redis_commands *commands, const redisReply *reply)
{
	struct str what = element_text(reply, 0);
	struct str message = element_text(reply, 2);

	if (reply->type == REDIS_REPLY_ERROR) {
		give_up(commands, reply->str);
	} else if (what.at && str_is(what, "message") && message.at) {
		commands->on_message(message, commands->message_owner);
	} else if (what.at && (str_is(what, "subscribe") || str_is(what, "pong"))) {
		commands->answer_is_due = false;
		uv_timer_start(&commands->timer, on_timer, LISTEN_IDLE_MS, 0);
	} else {
		give_up(commands, "an unexpected reply on a subscribed connection");
	}
}

void redis_commands_fail(struct redis_commands *commands)
{
	struct list lost;

	list_init(&lost);
	list_splice_tail(&lost, &commands->waiting);
	commands->waiting_count = 0;
	while (!list_is_empty(&lost)) {
		struct redis_command *command = list_item(lost.next, struct redis_command, link);
		redis_reply_fn on_reply = command->on_reply;
		void *owner = command->owner;

		list_remove(&command->link);
		free(command);
		on_reply(NULL, owner);
	}
}

/* ---- replies --------------------------------------------------------------------------- */

/* Drops the connection after errors that mean "not this server" or "not now". The next try may find
 * another server. */
static void judge_error(struct redis_commands *commands, const redisReply *reply)
{
	static const char *const useless[] = { "LOADING", "NOAUTH", "MASTERDOWN", "READONLY" };
	static const char *const sharded[] = { "MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN" };
	char why[WHY_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(useless); i++) {
		if (redis_reply_is_error(reply, useless[i]))
			give_up(commands, reply->str);
	}
	for (size_t i = 0; i < ARRAY_LEN(sharded); i++) {
		if (!redis_reply_is_error(reply, sharded[i]))
			continue;
		snprintf(why, sizeof(why),
			 "a cluster of several shards cannot be used, and the server says %.120s",
			 reply->str);
		give_up(commands, why);
	}
}

void redis_commands_take_reply(struct redis_commands *commands, const redisReply *reply)
{
	struct redis_command *command;
	redis_reply_fn on_reply;
	void *command_owner;

	/* A command that was sent before SUBSCRIBE is answered before it. */
	if (list_is_empty(&commands->waiting)) {
		if (commands->on_message)
			take_push(commands, reply);
		else
			give_up(commands, "a reply to no command");
		return;
	}
	command = list_item(commands->waiting.next, struct redis_command, link);
	on_reply = command->on_reply;
	command_owner = command->owner;
	list_remove(&command->link);
	free(command);
	commands->waiting_count--;
	on_reply(reply, command_owner);
	judge_error(commands, reply);
}

/* ---- the link -------------------------------------------------------------------------- */

void redis_commands_init(struct redis_commands *commands, uv_loop_t *loop,
			 void (*on_unusable)(const char *why, void *owner), void *owner)
{
	*commands = (struct redis_commands){ .on_unusable = on_unusable, .owner = owner };
	list_init(&commands->waiting);
	buf_init(&commands->scratch, COMMAND_MAX_BYTES);
	uv_timer_init(loop, &commands->timer);
	commands->timer.data = commands;
}

void redis_commands_use(struct redis_commands *commands, struct redis_link *link)
{
	commands->link = link;
}

void redis_commands_drop_link(struct redis_commands *commands)
{
	commands->link = NULL;
	commands->on_message = NULL;
	commands->answer_is_due = false;
	commands->watch_due_ms = 0;
	uv_timer_stop(&commands->timer);
}

void redis_commands_forget(struct redis_commands *commands)
{
	if (commands->scratch.bytes)
		explicit_bzero(commands->scratch.bytes, commands->scratch.cap);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct redis_commands *commands = handle->data;

	buf_done(&commands->scratch);
	commands->on_closed(commands->owner);
}

void redis_commands_close(struct redis_commands *commands, void (*on_closed)(void *owner))
{
	commands->on_closed = on_closed;
	uv_close((uv_handle_t *)&commands->timer, on_timer_closed);
}
