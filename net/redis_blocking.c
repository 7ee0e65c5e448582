/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The connection of the command line, which waits: the same as the service's, on a loop of its own
 * that turns only inside these calls. Unlike the service it does not try again: the first loss is
 * told, and the person who typed the command decides.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "net/redis_parts.h"

#define REPLY_TIMEOUT_MS 5000

struct redis_blocking {
	uv_loop_t loop;
	struct redis *redis; /* NULL when it has closed */
	bool is_lost;
	bool is_answered;
	redis_reply_fn on_reply; /* of the command in hand */
	void *owner;
};

static void on_down(void *owner)
{
	((struct redis_blocking *)owner)->is_lost = true;
}

static void on_closed(void *owner)
{
	((struct redis_blocking *)owner)->redis = NULL;
}

int redis_blocking_open(const struct redis_address *address, struct redis_blocking **out,
			struct reason *why)
{
	struct redis_blocking *blocking = calloc(1, sizeof(*blocking));
	int rc;

	if (!blocking || uv_loop_init(&blocking->loop) != 0) {
		free(blocking);
		return reason_set(why, -ENOMEM, "", "out of memory");
	}
	rc = redis_open(&(struct redis_options){ .loop = &blocking->loop,
						 .address = address,
						 .name = "wrenn-events:publish",
						 .on_down = on_down,
						 .owner = blocking },
			&blocking->redis);
	while (rc == 0 && !redis_is_up(blocking->redis) && !blocking->is_lost)
		uv_run(&blocking->loop, UV_RUN_ONCE);
	if (rc == 0 && blocking->is_lost)
		rc = reason_set(why, -ENOTCONN, "REDIS_URL", "Redis cannot be reached: %s",
				redis_fault(blocking->redis));
	else if (rc)
		reason_set(why, rc, "", "out of memory");
	if (rc) {
		redis_blocking_close(blocking);
		return rc;
	}
	*out = blocking;
	return 0;
}

static void on_reply(const redisReply *reply, void *owner)
{
	struct redis_blocking *blocking = owner;

	blocking->is_answered = true;
	if (reply)
		blocking->on_reply(reply, blocking->owner);
	else
		blocking->is_lost = true;
}

int redis_blocking_send(struct redis_blocking *blocking, const struct redis_question *question,
			struct reason *why)
{
	int rc = -ENOTCONN;

	blocking->on_reply = question->on_reply;
	blocking->owner = question->owner;
	blocking->is_answered = false;
	/* The loop stood still while the person or the program before us took its time. */
	uv_update_time(&blocking->loop);
	if (!blocking->is_lost)
		rc = redis_send(blocking->redis, REPLY_TIMEOUT_MS, on_reply, blocking,
				question->argc, question->argv);
	/* Nothing is left to be answered while it stands still. */
	while (rc == 0 && (!blocking->is_answered || blocking->redis->waiting_count > 0))
		uv_run(&blocking->loop, UV_RUN_ONCE);
	if (rc == 0 && !blocking->is_lost)
		return 0;
	if (rc == -ENOMEM)
		return reason_set(why, rc, "", "out of memory");
	return reason_set(why, -ENOTCONN, "", "Redis is away: %s", redis_fault(blocking->redis));
}

void redis_blocking_close(struct redis_blocking *blocking)
{
	int rc;

	if (!blocking)
		return;
	if (blocking->redis)
		redis_close(blocking->redis, on_closed, blocking);
	uv_run(&blocking->loop, UV_RUN_DEFAULT);
	rc = uv_loop_close(&blocking->loop);
	assert(rc == 0);
	(void)rc;
	free(blocking);
}
