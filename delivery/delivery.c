/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Opens and closes the parts of delivery/: housekeeping always, the scheduler and the fallbacks if
 * this worker sends.
 */
#include "delivery/delivery.h"

#include <errno.h>
#include <stdlib.h>

#include "delivery/cancel.h"
#include "delivery/fallback.h"
#include "delivery/fresh.h"
#include "delivery/housekeeping.h"
#include "delivery/news.h"
#include "delivery/queue.h"
#include "delivery/scheduler.h"

struct deliveries {
	struct scheduler *scheduler; /* NULL: this worker does not send */
	struct housekeeping *housekeeping;
	struct fallbacks *fallbacks; /* NULL: this worker does not send */
	void (*on_closed)(void *owner);
	void *owner;
};

static void on_nobody(void *owner)
{
	(void)owner;
}

static void on_copied(const struct uuid *channel, void *owner)
{
	struct deliveries *deliveries = owner;

	deliveries_note(deliveries, channel);
}

static int open_parts(struct deliveries *deliveries, const struct delivery_options *options)
{
	int rc = housekeeping_open(options, &deliveries->housekeeping);

	if (rc < 0 || !options->sends)
		return rc;
	rc = scheduler_open(options, &deliveries->scheduler);
	if (rc == 0)
		rc = fallbacks_open(options, on_copied, deliveries, &deliveries->fallbacks);
	return rc;
}

int deliveries_open(const struct delivery_options *options, struct deliveries **out)
{
	struct deliveries *deliveries = calloc(1, sizeof(*deliveries));
	int rc;

	if (!deliveries)
		return -ENOMEM;
	rc = open_parts(deliveries, options);
	if (rc < 0) {
		/* Open handles need the loop to close. */
		deliveries_close(deliveries, on_nobody, NULL);
		return rc;
	}
	*out = deliveries;
	return 0;
}

/* ---- closing ----------------------------------------------------------------------------- */

static void on_housekeeping_closed(void *owner)
{
	struct deliveries *deliveries = owner;
	void (*on_closed)(void *) = deliveries->on_closed;
	void *closed_owner = deliveries->owner;

	free(deliveries);
	on_closed(closed_owner);
}

static void on_scheduler_closed(void *owner)
{
	struct deliveries *deliveries = owner;

	deliveries->scheduler = NULL;
	housekeeping_close(deliveries->housekeeping, on_housekeeping_closed, deliveries);
}

static void on_fallbacks_closed(void *owner)
{
	struct deliveries *deliveries = owner;

	scheduler_close(deliveries->scheduler, on_scheduler_closed, deliveries);
}

void deliveries_close(struct deliveries *deliveries, void (*on_closed)(void *owner), void *owner)
{
	if (!deliveries) {
		on_closed(owner);
		return;
	}
	deliveries->on_closed = on_closed;
	deliveries->owner = owner;
	fallbacks_close(deliveries->fallbacks, on_fallbacks_closed, deliveries);
}

/* ---- news of a channel ------------------------------------------------------------------- */

/* Returns NULL if the channel has no queue on this worker. */
static struct queue *find_queue(struct deliveries *deliveries, const struct uuid *channel)
{
	struct delivery_engine *engine = scheduler_engine(deliveries->scheduler);

	return engine ? queue_find(engine, channel) : NULL;
}

void deliveries_take(struct deliveries *deliveries, const struct fresh_rows *fresh)
{
	struct queue *queue = find_queue(deliveries, &fresh->channel);

	if (!queue || !fresh_take(queue, fresh))
		deliveries_note(deliveries, &fresh->channel);
}

void deliveries_note(struct deliveries *deliveries, const struct uuid *channel)
{
	struct delivery_engine *engine = scheduler_engine(deliveries->scheduler);

	if (engine)
		news_rows(engine, channel);
}

void deliveries_wake(struct deliveries *deliveries, const struct uuid *channel)
{
	if (find_queue(deliveries, channel))
		deliveries_note(deliveries, channel);
}

void deliveries_lead(struct deliveries *deliveries)
{
	struct delivery_engine *engine = scheduler_engine(deliveries->scheduler);

	if (engine)
		news_unknown(engine);
}

void deliveries_changed(struct deliveries *deliveries, const struct uuid *channel)
{
	struct delivery_engine *engine = scheduler_engine(deliveries->scheduler);

	if (engine)
		news_change(engine, channel);
}

void deliveries_removed(struct deliveries *deliveries, const struct uuid *channel)
{
	struct delivery_engine *engine = scheduler_engine(deliveries->scheduler);

	if (!engine)
		return;
	cancel_channel(engine, channel);
	news_change(engine, channel);
}
