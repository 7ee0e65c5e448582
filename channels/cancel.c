/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ends requests whose channel is gone. A deletion through this worker says so itself; for all others,
 * those of other workers and of the control plane, the store is asked every tick about the
 * requests that are under way for a second. Failure: the next tick asks again.
 */
#include "channels/queue.h"
#include "core/attributes.h"

#define LOOK_US INT64_C(1000000) /* a request that is younger is over soon */

static const struct db_query find_channels = {
	.sql = "SELECT c.id FROM channels c JOIN teams t ON t.id = c.team_id "
	       "WHERE t.deleted_at IS NULL AND c.id = ANY (CAST(CAST($1 AS text[]) AS uuid[]))",
	.sqlite = "SELECT c.id FROM channels c JOIN teams t ON t.id = c.team_id "
		  "WHERE t.deleted_at IS NULL AND c.id IN (SELECT value FROM json_each($1))",
};

static int on_there(const struct db_row *row, void *arg)
{
	struct gone_look *look = arg;
	const struct uuid channel = row_uuid(row, 0);

	for (size_t i = 0; i < look->count; i++)
		look->is_there[i] |= uuid_eq(&look->channels[i], &channel);
	return 0;
}

static int run_look(struct db *db, struct store_job *job)
{
	struct gone_look *look = container_of(job, struct gone_look, job);
	char texts[GONE_BATCH][UUID_TEXT_SIZE];
	struct str words[GONE_BATCH];
	struct db_value values[1];

	for (size_t i = 0; i < look->count; i++) {
		uuid_format(&look->channels[i], texts[i]);
		words[i] = str_of(texts[i]);
		look->is_there[i] = false;
	}
	values[0] = db_words(words, look->count);
	return db_run_now(db, &find_channels, values, 1, on_there, look, NULL);
}

/* A request that has begun since is of a channel that was there. */
static void end_request(struct engine *engine, const struct uuid *channel, int64_t asked_us)
{
	struct queue *queue = engine_find(engine, channel);

	if (queue && queue->phase == QUEUE_SENDING && queue->seat.since_us < asked_us)
		outbound_cancel(queue->call);
}

static void on_looked(struct store_job *job, int rc)
{
	struct gone_look *look = container_of(job, struct gone_look, job);
	struct engine *engine = container_of(look, struct engine, gone);

	look->is_running = false;
	engine->jobs--;
	for (size_t i = 0; i < look->count && rc == 0; i++) {
		if (!look->is_there[i])
			end_request(engine, &look->channels[i], look->asked_us);
	}
	engine_serve(engine);
}

/* The oldest requests come first; what does not fit is asked about when some of them are over. */
static void collect(struct engine *engine, struct gone_look *look)
{
	look->count = 0;
	LIST_EACH (link, &engine->in[QUEUE_SENDING]) {
		const struct queue *queue = list_item(link, struct queue, turn);

		if (look->count == GONE_BATCH || look->asked_us - queue->seat.since_us < LOOK_US)
			return;
		look->channels[look->count++] = queue->channel;
	}
}

void gone_look(struct engine *engine)
{
	struct gone_look *look = &engine->gone;

	if (look->is_running || engine->stopping)
		return;
	look->asked_us = engine_mono_us(engine);
	collect(engine, look);
	if (look->count == 0)
		return;
	look->job = (struct store_job){ .run = run_look, .on_done = on_looked };
	if (store_read(engine->options.store, &look->job) < 0)
		return;
	look->is_running = true;
	engine->jobs++;
}

void engine_removed(struct engine *engine, const struct uuid *channel)
{
	end_request(engine, channel, INT64_MAX);
	engine_changed(engine, channel);
}
