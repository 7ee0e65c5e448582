/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The service's connection, on a loop of its own that runs only inside these calls. It does not use
 * the service's retries: the first loss is an error, and the person who typed the command decides.
 */
#include "net/redis_blocking.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "net/redis.h"
#include "net/redis_sentinel.h"

#define REPLY_TIMEOUT_MS 5000
#define CLOSE_TIMEOUT_MS 200

struct redis_blocking {
	uv_loop_t loop;
	struct redis_master *master;
	struct redis_sentinel *sentinel;
	struct redis *redis;
	bool is_lost;
	bool is_answered;
	bool is_closing;
	uv_timer_t patience; /* limits the wait for the close */
	bool is_late;
	redis_reply_fn on_reply; /* of the command that waits */
	void *owner;
};

static void on_down(void *owner)
{
	((struct redis_blocking *)owner)->is_lost = true;
}

static int open_parts(struct redis_blocking *blocking, const struct redis_address *address)
{
	int rc = redis_master_open(&blocking->loop, address, &blocking->master);

	if (rc == 0)
		rc = redis_sentinel_open(&blocking->loop, address, blocking->master,
					 &blocking->sentinel);
	if (rc)
		return rc;
	return redis_open(&(struct redis_options){ .loop = &blocking->loop,
						   .address = address,
						   .master = blocking->master,
						   .name = "wrenn-events:publish",
						   .on_down = on_down,
						   .owner = blocking },
			  &blocking->redis);
}

int redis_blocking_open(const struct redis_address *address, struct redis_blocking **out,
			struct reason *why)
{
	struct redis_blocking *blocking = calloc(1, sizeof(*blocking));
	int rc;

	*out = NULL;
	if (!blocking || uv_loop_init(&blocking->loop) != 0) {
		free(blocking);
		return reason_set(why, -ENOMEM, "", "out of memory");
	}
	uv_timer_init(&blocking->loop, &blocking->patience);
	blocking->patience.data = blocking;
	rc = open_parts(blocking, address);
	while (rc == 0 && !redis_is_up(blocking->redis) && !blocking->is_lost)
		uv_run(&blocking->loop, UV_RUN_ONCE);
	if (rc == 0 && blocking->is_lost)
		rc = reason_set(why, -ENOTCONN, "REDIS_URL", "cannot connect to Redis: %s",
				redis_fault(blocking->redis));
	else if (rc)
		reason_set(why, rc, "", "out of memory");
	*out = blocking;
	return rc;
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

int redis_blocking_send(struct redis_blocking *blocking,
			const struct redis_blocking_command *command, struct reason *why)
{
	int rc = -ENOTCONN;

	blocking->on_reply = command->on_reply;
	blocking->owner = command->owner;
	blocking->is_answered = false;
	/* The loop's clock stopped between the calls. */
	uv_update_time(&blocking->loop);
	if (!blocking->is_lost)
		rc = redis_send(blocking->redis, REPLY_TIMEOUT_MS, on_reply, blocking,
				command->argc, command->argv);
	/* Every reply must come now: the timers do not run between the calls. */
	while (rc == 0 && (!blocking->is_answered || !redis_is_idle(blocking->redis)))
		uv_run(&blocking->loop, UV_RUN_ONCE);
	if (rc == 0 && !blocking->is_lost)
		return 0;
	if (rc == -ENOMEM)
		return reason_set(why, rc, "", "out of memory");
	return reason_set(why, -ENOTCONN, "", "Redis is unavailable: %s",
			  redis_fault(blocking->redis));
}

static void on_late(uv_timer_t *timer)
{
	((struct redis_blocking *)timer->data)->is_late = true;
}

static void close_parts(struct redis_blocking *blocking)
{
	if (blocking->is_closing)
		return;
	blocking->is_closing = true;
	redis_close(blocking->redis, NULL, NULL); /* each accepts NULL */
	redis_sentinel_close(blocking->sentinel, NULL, NULL);
	redis_master_close(blocking->master, NULL, NULL);
}

/* A look-up cannot be interrupted, and a silent name server may take minutes. */
static bool has_ended(struct redis_blocking *blocking)
{
	blocking->is_late = false;
	uv_update_time(&blocking->loop);
	uv_timer_start(&blocking->patience, on_late, CLOSE_TIMEOUT_MS, 0);
	uv_unref((uv_handle_t *)&blocking->patience);
	while (!blocking->is_late && uv_run(&blocking->loop, UV_RUN_ONCE) != 0)
		continue;
	return !uv_loop_alive(&blocking->loop);
}

bool redis_blocking_close(struct redis_blocking *blocking)
{
	int rc;

	if (!blocking)
		return true;
	close_parts(blocking);
	if (!has_ended(blocking))
		return false;
	uv_close((uv_handle_t *)&blocking->patience, NULL);
	uv_run(&blocking->loop, UV_RUN_DEFAULT);
	rc = uv_loop_close(&blocking->loop);
	assert(rc == 0);
	(void)rc;
	free(blocking);
	return true;
}
