/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The channel carries a copy of every durable event as well. We recognise the copies by their bytes
 * and skip them unparsed, because the stream has them. An event that is published while the
 * connection is down is lost, as the contract allows.
 */
#include "bus/transient.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/counters.h"
#include "bus/stream.h"

/* The kind as a JSON string. No writer escapes any of its characters. */
#define KIND_TEXT "\"capsule.state.changed\""

struct bus_transient {
	struct redis *redis;
	void (*on_event)(struct event *event, void *owner);
	void *owner;
	void (*on_closed)(void *owner);
	void *close_owner;
};

static void on_message(struct str message, void *owner)
{
	struct bus_transient *transient = owner;
	struct event *event = NULL;
	int rc;

	metric_add(bus_counters.read[READER_TRANSIENT], 1);
	if (!memmem(message.at, message.len, KIND_TEXT, sizeof(KIND_TEXT) - 1)) {
		metric_add(bus_counters.copies, 1);
		return;
	}
	rc = event_parse(message, (struct stream_id){ 0 }, &event, NULL);
	if (rc) {
		metric_add(bus_counters.unreadable, 1);
		return;
	}
	if (event->kind != EVENT_CAPSULE_STATE_CHANGED)
		metric_add(bus_counters.copies, 1); /* another member contains the words */
	else if (event_is_about_nothing(event))
		metric_add(bus_counters.about_nothing, 1);
	else
		transient->on_event(event, transient->owner);
	event_free(event);
}

static void on_up(void *owner)
{
	struct bus_transient *transient = owner;

	if (redis_subscribe(transient->redis, BUS_CHANNEL, on_message, transient))
		redis_fail(transient->redis, "cannot subscribe");
}

static void on_down(void *owner)
{
	(void)owner; /* nothing waits for an answer, and net/ has logged it */
}

int bus_transient_open(const struct bus_transient_options *options, struct bus_transient **out)
{
	struct bus_transient *transient = calloc(1, sizeof(*transient));
	int rc;

	if (!transient)
		return -ENOMEM;
	bus_counters_register();
	transient->on_event = options->on_event;
	transient->owner = options->owner;
	rc = redis_open(&(struct redis_options){ .loop = options->loop,
						 .address = options->address,
						 .master = options->master,
						 .name = "wrenn-events:transient",
						 .on_up = on_up,
						 .on_down = on_down,
						 .owner = transient },
			&transient->redis);
	if (rc) {
		free(transient);
		return rc;
	}
	*out = transient;
	return 0;
}

static void on_redis_closed(void *owner)
{
	struct bus_transient *transient = owner;

	if (transient->on_closed)
		transient->on_closed(transient->close_owner);
	free(transient);
}

void bus_transient_close(struct bus_transient *transient, void (*on_closed)(void *owner),
			 void *owner)
{
	if (!transient) {
		if (on_closed)
			on_closed(owner);
		return;
	}
	transient->on_closed = on_closed;
	transient->close_owner = owner;
	redis_close(transient->redis, on_redis_closed, transient);
}
