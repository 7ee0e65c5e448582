/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Cancels requests whose channel was deleted. The worker that deletes a channel calls
 * cancel_channel(). For deletions by other workers and the control plane, every tick looks up the
 * channels of requests that are a second old. If that fails, the next tick repeats it.
 */
#include "delivery/cancel.h"

#include <errno.h>
#include <stdlib.h>

#include "core/attributes.h"
#include "delivery/queue.h"

#define BATCH   256              /* requests */
#define LOOK_US INT64_C(1000000) /* younger requests end soon by themselves */

struct canceller {
	struct store_job job;
	struct delivery_engine *engine;
	bool is_running;
	int64_t asked_us;
	size_t count;
	struct uuid channels[BATCH];
	bool exists[BATCH];
};

static const struct db_query find_channels = {
	.sql = "SELECT c.id FROM channels c JOIN teams t ON t.id = c.team_id "
	       "WHERE t.deleted_at IS NULL AND c.id = ANY (CAST(CAST($1 AS text[]) AS uuid[]))",
	.sqlite = "SELECT c.id FROM channels c JOIN teams t ON t.id = c.team_id "
		  "WHERE t.deleted_at IS NULL AND c.id IN (SELECT value FROM json_each($1))",
};

static int on_there(const struct db_row *row, void *arg)
{
	struct canceller *canceller = arg;
	const struct uuid channel = row_uuid(row, 0);

	for (size_t i = 0; i < canceller->count; i++)
		canceller->exists[i] |= uuid_eq(&canceller->channels[i], &channel);
	return 0;
}

static int run_look(struct db *db, struct store_job *job)
{
	struct canceller *canceller = container_of(job, struct canceller, job);
	char texts[BATCH][UUID_TEXT_SIZE];
	struct str words[BATCH];
	struct db_value values[1];

	for (size_t i = 0; i < canceller->count; i++) {
		uuid_format(&canceller->channels[i], texts[i]);
		words[i] = str_of(texts[i]);
		canceller->exists[i] = false;
	}
	values[0] = db_words(words, canceller->count);
	return db_run_now(db, &find_channels, values, 1, on_there, canceller, NULL);
}

/* A request that began after the lookup belongs to a channel that still existed. */
static void end_request(struct delivery_engine *engine, const struct uuid *channel,
			int64_t asked_us)
{
	struct queue *queue = queue_find(engine, channel);

	if (queue && queue->phase == QUEUE_SENDING && queue->seat.since_us < asked_us)
		outbound_cancel(queue->call);
}

static void on_looked(struct store_job *job, int rc)
{
	struct canceller *canceller = container_of(job, struct canceller, job);

	canceller->is_running = false;
	engine_end_job(canceller->engine);
	for (size_t i = 0; i < canceller->count && rc == 0; i++) {
		if (!canceller->exists[i])
			end_request(canceller->engine, &canceller->channels[i],
				    canceller->asked_us);
	}
}

/* The oldest requests come first. The others are looked up when some of these have ended. */
static void collect(struct canceller *canceller)
{
	canceller->count = 0;
	LIST_EACH (link, &canceller->engine->in[QUEUE_SENDING]) {
		const struct queue *queue = list_item(link, struct queue, turn);

		if (canceller->count == BATCH ||
		    canceller->asked_us - queue->seat.since_us < LOOK_US)
			return;
		canceller->channels[canceller->count++] = queue->channel;
	}
}

void cancel_orphans(struct canceller *canceller)
{
	struct delivery_engine *engine = canceller->engine;

	if (canceller->is_running || engine->stopping)
		return;
	canceller->asked_us = engine_mono_us(engine);
	collect(canceller);
	if (canceller->count == 0)
		return;
	canceller->job = (struct store_job){ .run = run_look, .on_done = on_looked };
	canceller->is_running = engine_read(engine, &canceller->job) == 0;
}

void cancel_channel(struct delivery_engine *engine, const struct uuid *channel)
{
	end_request(engine, channel, INT64_MAX);
}

int canceller_open(struct delivery_engine *engine, struct canceller **out)
{
	struct canceller *canceller = calloc(1, sizeof(*canceller));

	if (!canceller)
		return -ENOMEM;
	canceller->engine = engine;
	*out = canceller;
	return 0;
}

void canceller_close(struct canceller *canceller)
{
	free(canceller);
}
