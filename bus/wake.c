/* SPDX-License-Identifier: Apache-2.0 */

#include "bus/wake.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/reply.h"
#include "bus/stream.h"

struct bus_wake {
	struct bus_wake_options options;
	struct redis *listener;
	void (*on_closed)(void *owner);
	void *close_owner;
};

/* Anybody can publish to the channel, so malformed messages are ignored. */
static void on_message(struct str message, void *owner)
{
	struct bus_wake *wake = owner;
	struct uuid channel;

	if (uuid_parse(message, &channel) == 0)
		wake->options.on_channel(&channel, wake->options.owner);
	else
		wake->options.on_pace(message, wake->options.owner);
}

static void on_up(void *owner)
{
	struct bus_wake *wake = owner;

	if (redis_subscribe(wake->listener, BUS_WAKE_CHANNEL, on_message, wake))
		redis_fail(wake->listener, "cannot subscribe");
}

static void on_down(void *owner)
{
	(void)owner; /* nothing waits for an answer, and net/ has logged it */
}

int bus_wake_open(const struct bus_wake_options *options, struct bus_wake **out)
{
	struct bus_wake *wake = calloc(1, sizeof(*wake));
	int rc;

	if (!wake)
		return -ENOMEM;
	wake->options = *options;
	rc = redis_open(&(struct redis_options){ .loop = options->loop,
						 .address = options->address,
						 .master = options->master,
						 .name = "wrenn-events:wake",
						 .on_up = on_up,
						 .on_down = on_down,
						 .owner = wake },
			&wake->listener);
	if (rc) {
		free(wake);
		return rc;
	}
	*out = wake;
	return 0;
}

static void on_redis_closed(void *owner)
{
	struct bus_wake *wake = owner;

	wake->on_closed(wake->close_owner);
	free(wake);
}

void bus_wake_close(struct bus_wake *wake, void (*on_closed)(void *owner), void *owner)
{
	if (!wake) {
		on_closed(owner);
		return;
	}
	wake->on_closed = on_closed;
	wake->close_owner = owner;
	redis_close(wake->listener, on_redis_closed, wake);
}

/* If nobody listens or Redis refuses, the next scan finds the rows, and the destination refuses
 * requests that are too fast. */
static void on_published(const redisReply *reply, void *owner)
{
	(void)reply;
	(void)owner;
}

static void publish(struct bus_wake *wake, struct str text)
{
	const struct str command[] = { STR("PUBLISH"), STR(BUS_WAKE_CHANNEL), text };
	int rc = redis_send(wake->options.redis, REPLY_TIMEOUT_MS, on_published, NULL,
			    (int)ARRAY_LEN(command), command);

	(void)rc; /* a missing connection is like a missing listener */
}

void bus_wake_publish(struct bus_wake *wake, const struct uuid *channel)
{
	char text[UUID_TEXT_SIZE];

	uuid_format(channel, text);
	publish(wake, str_of(text));
}

void bus_wake_publish_pace(struct bus_wake *wake, struct str line)
{
	publish(wake, line);
}
