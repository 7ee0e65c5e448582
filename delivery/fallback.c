/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: every five ticks a read finds the channels that fail or were taken over, a page at a
 * time. Each that needs it gets a write job of its own: copies, or the end of the takeover. Several
 * workers may do the same: the second time changes nothing. Failure: the next channel gets its
 * turn, and the next round tries again.
 */
#include "delivery/fallback.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/errno_text.h"
#include "core/log.h"
#include "core/metrics.h"
#include "delivery/fallback_rows.h"

#define ROUND_TICKS 5
#define PAGE        32

struct fallbacks {
	struct store_job job;
	struct delivery_options options;
	uv_timer_t timer;
	bool is_running; /* a job */
	bool closing;
	int64_t now_us;
	struct uuid after; /* the last channel of the page before */
	size_t count;
	size_t next; /* of the page, to be looked at */
	struct fallback page[PAGE];
	int64_t rows; /* copied by the last job */
	struct metric *copies;
	void (*on_copied)(const struct uuid *channel, void *owner);
	void *copied_owner;
	void (*on_closed)(void *owner);
	void *owner;
};

/* ---- jobs ------------------------------------------------------------------------------ */

static int run_read(struct db *db, struct store_job *job)
{
	struct fallbacks *fallbacks = container_of(job, struct fallbacks, job);

	return fallbacks_read(db, &fallbacks->after, fallbacks->page, PAGE, &fallbacks->count);
}

static int run_copy(struct db *db, struct store_job *job)
{
	struct fallbacks *fallbacks = container_of(job, struct fallbacks, job);

	return fallback_copy(db, &fallbacks->page[fallbacks->next], fallbacks->now_us,
			     &fallbacks->rows);
}

static int run_hand_back(struct db *db, struct store_job *job)
{
	struct fallbacks *fallbacks = container_of(job, struct fallbacks, job);

	return fallback_hand_back(db, &fallbacks->page[fallbacks->next]);
}

/* ---- a round --------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
	struct fallbacks *fallbacks = handle->data;
	void (*on_closed)(void *) = fallbacks->on_closed;
	void *owner = fallbacks->owner;

	free(fallbacks);
	on_closed(owner);
}

/* A job has ended. True when it was the last one. */
static bool closes(struct fallbacks *fallbacks)
{
	fallbacks->is_running = false;
	if (fallbacks->closing)
		uv_close((uv_handle_t *)&fallbacks->timer, on_timer_closed);
	return fallbacks->closing;
}

/* Every other channel would get the same error now. */
static bool must_wait(int rc)
{
	return rc == -ENOTCONN || rc == -EBUSY || rc == -ECANCELED;
}

static void on_read(struct store_job *job, int rc);
static void on_written(struct store_job *job, int rc);

static void read_page(struct fallbacks *fallbacks)
{
	fallbacks->job = (struct store_job){ .run = run_read, .on_done = on_read };
	fallbacks->is_running = store_read(fallbacks->options.store, &fallbacks->job) == 0;
}

static void write_next(struct fallbacks *fallbacks)
{
	enum fallback_step step = FALLBACK_REST;

	while (fallbacks->next < fallbacks->count) {
		step = fallback_next(&fallbacks->page[fallbacks->next], fallbacks->now_us);
		if (step != FALLBACK_REST)
			break;
		fallbacks->next++;
	}
	if (fallbacks->next < fallbacks->count) {
		fallbacks->job = (struct store_job){
			.run = step == FALLBACK_COPY ? run_copy : run_hand_back,
			.on_done = on_written,
		};
		fallbacks->rows = 0;
		fallbacks->is_running = store_write(fallbacks->options.store, &fallbacks->job) == 0;
	} else if (fallbacks->count == PAGE) {
		fallbacks->after = fallbacks->page[PAGE - 1].channel;
		read_page(fallbacks);
	}
}

static void on_read(struct store_job *job, int rc)
{
	struct fallbacks *fallbacks = container_of(job, struct fallbacks, job);

	if (closes(fallbacks))
		return;
	if (rc < 0 && !must_wait(rc))
		log_error("could not look for channels whose fallback has to take over",
			  log_str("error", errno_text(rc)));
	if (rc < 0)
		return;
	fallbacks->next = 0;
	write_next(fallbacks);
}

static void log_change(const struct fallback *fallback, const char *sentence)
{
	char channel[UUID_TEXT_SIZE];
	char to[UUID_TEXT_SIZE];

	uuid_format(&fallback->channel, channel);
	uuid_format(&fallback->to, to);
	log_info(sentence, log_str("channel_id", channel), log_str("fallback_id", to));
}

static void note_written(struct fallbacks *fallbacks, const struct fallback *fallback)
{
	metric_add(fallbacks->copies, fallbacks->rows);
	if (fallback_next(fallback, fallbacks->now_us) == FALLBACK_HAND_BACK)
		log_change(fallback, "a channel delivers again, so its fallback has stopped");
	else if (!fallback->taken_over_us)
		log_change(fallback, "a channel fails, so its fallback has taken over");
	if (fallbacks->rows > 0)
		fallbacks->on_copied(&fallback->to, fallbacks->copied_owner);
}

/* -EAGAIN: its owner has changed the fallback; the next round sees that. */
static void note_failed(const struct fallback *fallback, int rc)
{
	char channel[UUID_TEXT_SIZE];

	if (rc == -EAGAIN)
		return;
	uuid_format(&fallback->channel, channel);
	log_error("could not start or stop a channel's fallback; trying again in the next round",
		  log_str("channel_id", channel), log_str("error", errno_text(rc)));
}

/* A channel whose write fails does not hold up the others. */
static void on_written(struct store_job *job, int rc)
{
	struct fallbacks *fallbacks = container_of(job, struct fallbacks, job);
	const struct fallback *fallback = &fallbacks->page[fallbacks->next];

	if (closes(fallbacks) || must_wait(rc))
		return;
	if (rc == 0)
		note_written(fallbacks, fallback);
	else
		note_failed(fallback, rc);
	fallbacks->next++;
	write_next(fallbacks);
}

static void on_round(uv_timer_t *timer)
{
	struct fallbacks *fallbacks = timer->data;

	if (fallbacks->is_running)
		return;
	fallbacks->now_us = fallbacks->options.now_us();
	fallbacks->after = (struct uuid){ .bytes = { 0 } };
	read_page(fallbacks);
}

/* ---- opening and closing --------------------------------------------------------------- */

int fallbacks_open(const struct delivery_options *options,
		   void (*on_copied)(const struct uuid *channel, void *owner), void *owner,
		   struct fallbacks **out)
{
	struct fallbacks *fallbacks = calloc(1, sizeof(*fallbacks));

	if (!fallbacks)
		return -ENOMEM;
	fallbacks->options = *options;
	fallbacks->on_copied = on_copied;
	fallbacks->copied_owner = owner;
	fallbacks->copies =
		metric_counter("wrenn_events_deliveries_copied_total", NULL,
			       "Deliveries given to the fallback of a channel that fails");
	uv_timer_init(options->loop, &fallbacks->timer);
	fallbacks->timer.data = fallbacks;
	uv_timer_start(&fallbacks->timer, on_round, ROUND_TICKS * options->tick_ms,
		       ROUND_TICKS * options->tick_ms);
	*out = fallbacks;
	return 0;
}

void fallbacks_close(struct fallbacks *fallbacks, void (*on_closed)(void *owner), void *owner)
{
	if (!fallbacks) {
		on_closed(owner);
		return;
	}
	assert(!fallbacks->closing);
	fallbacks->closing = true;
	fallbacks->on_closed = on_closed;
	fallbacks->owner = owner;
	uv_timer_stop(&fallbacks->timer);
	if (!fallbacks->is_running)
		uv_close((uv_handle_t *)&fallbacks->timer, on_timer_closed);
}
