/* SPDX-License-Identifier: Apache-2.0 */

/* Holds what the writer and the lease share: names, clocks and the position. */
#include "ledger/ledger.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/retention_timer.h"
#include "ledger/upkeep.h"
#include "ledger/writer.h"

#define TICKS_TO_LOOK 5

struct ledger {
	uv_loop_t *loop;
	char *worker;
	char *group;
	unsigned tick_ms;
	int64_t (*mono_us)(void);
	struct ledger_writer writer;
	const struct audit_signer *signer;
	checkpoint_fn on_checkpoint;
	unsigned keep_days;
	char *archive_folder; /* NULL: none */
	void *owner;
	struct ledger_lease *lease;        /* NULL: not started */
	struct upkeep *upkeep;             /* NULL: not started, or without an audit log */
	struct retention_timer *retention; /* NULL: not started, or everything is kept */
	struct watch_stream stream;
	struct ledger_watch *watch; /* NULL: not started, or nobody watches */
	void (*on_stopped)(void *owner);
	void *stop_owner;
};

static void init_writer(struct ledger *ledger, const struct ledger_options *options)
{
	ledger->writer = (struct ledger_writer){
		.store = options->store,
		.group = ledger->group,
		.worker = ledger->worker,
		.rules = {
			.audit_mode = options->audit_mode,
			.deliver = options->deliver,
			.notify_completion = options->notify_completion,
			.strip_host = options->strip_host,
			.started_us = options->now_us(),
		},
		.now_us = options->now_us,
		.on_work = options->on_work,
		.work_owner = options->owner,
	};
	ledger_writer_init(&ledger->writer);
}

int ledger_open(const struct ledger_options *options, struct ledger **out)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return -ENOMEM;
	ledger->loop = options->loop;
	ledger->mono_us = options->mono_us;
	ledger->tick_ms = options->tick_ms;
	ledger->stream = options->stream;
	ledger->signer = options->signer;
	ledger->on_checkpoint = options->on_checkpoint;
	ledger->owner = options->owner;
	ledger->keep_days = options->keep_days;
	ledger->worker = strdup(options->worker);
	ledger->group = strdup(options->group);
	if (options->archive_folder)
		ledger->archive_folder = strdup(options->archive_folder);
	if (!ledger->worker || !ledger->group ||
	    (options->archive_folder && !ledger->archive_folder)) {
		ledger_close(ledger);
		return -ENOMEM;
	}
	init_writer(ledger, options);
	*out = ledger;
	return 0;
}

void ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	assert(!ledger->lease);
	expect_cache_done(&ledger->writer.expected);
	free(ledger->worker);
	free(ledger->group);
	free(ledger->archive_folder);
	free(ledger);
}

static int open_watch(struct ledger *ledger)
{
	const struct ledger_watch_options options = {
		.loop = ledger->loop,
		.store = ledger->writer.store,
		.group = ledger->group,
		.worker = ledger->worker,
		.position = &ledger->writer.position,
		.lease = ledger->lease,
		.stream = ledger->stream,
		.mono_us = ledger->mono_us,
		.look_ms = ledger->tick_ms * TICKS_TO_LOOK,
	};

	return ledger->stream.ask ? ledger_watch_open(&options, &ledger->watch) : 0;
}

static int open_upkeep(struct ledger *ledger)
{
	const struct ledger_writer *writer = &ledger->writer;
	const struct upkeep_options options = {
		.loop = ledger->loop,
		.store = writer->store,
		.lease = ledger->lease,
		.group = ledger->group,
		.worker = ledger->worker,
		.position = &writer->position,
		.signer = ledger->signer,
		.now_us = writer->now_us,
		.mono_us = ledger->mono_us,
		.tick_ms = ledger->tick_ms,
		.on_checkpoint = ledger->on_checkpoint,
		.owner = ledger->owner,
	};

	return writer->rules.audit_mode == AUDIT_OFF ? 0 : upkeep_open(&options, &ledger->upkeep);
}

static int open_retention(struct ledger *ledger)
{
	const struct ledger_writer *writer = &ledger->writer;
	const struct retention_timer_options options = {
		.loop = ledger->loop,
		.store = writer->store,
		.lease = ledger->lease,
		.group = ledger->group,
		.worker = ledger->worker,
		.position = &writer->position,
		.days = ledger->keep_days,
		.folder = ledger->archive_folder,
		.tick_ms = ledger->tick_ms,
		.dropped = metric_counter("wrenn_events_audit_rows_dropped_total", NULL,
					  "Audit rows dropped because they were too old"),
	};

	return options.days == 0 ? 0 : retention_timer_open(&options, &ledger->retention);
}

int ledger_start(struct ledger *ledger, const struct lease_events *events)
{
	const struct ledger_lease_options options = {
		.loop = ledger->loop,
		.store = ledger->writer.store,
		.group = ledger->group,
		.worker = ledger->worker,
		.position = &ledger->writer.position,
		.mono_us = ledger->mono_us,
		.tick_ms = ledger->tick_ms,
		.events = *events,
	};

	int rc;

	assert(!ledger->lease);
	rc = ledger_lease_open(&options, &ledger->lease);
	if (rc == 0)
		rc = open_watch(ledger);
	if (rc == 0)
		rc = open_upkeep(ledger);
	return rc < 0 ? rc : open_retention(ledger);
}

static void on_lease_closed(void *owner)
{
	struct ledger *ledger = owner;

	ledger->lease = NULL;
	ledger->on_stopped(ledger->stop_owner);
}

static void on_retention_closed(void *owner)
{
	struct ledger *ledger = owner;

	ledger->retention = NULL;
	ledger_lease_close(ledger->lease, on_lease_closed, ledger);
}

static void on_upkeep_closed(void *owner)
{
	struct ledger *ledger = owner;

	ledger->upkeep = NULL;
	retention_timer_close(ledger->retention, on_retention_closed, ledger);
}

static void on_watch_closed(void *owner)
{
	struct ledger *ledger = owner;

	ledger->watch = NULL;
	upkeep_close(ledger->upkeep, on_upkeep_closed, ledger);
}

void ledger_stop(struct ledger *ledger, void (*on_stopped)(void *owner), void *owner)
{
	if (!ledger || !ledger->lease) {
		on_stopped(owner);
		return;
	}
	ledger->on_stopped = on_stopped;
	ledger->stop_owner = owner;
	ledger_lease_silence(ledger->lease); /* the owner may have closed its reader of the group */
	ledger_watch_close(ledger->watch, on_watch_closed, ledger);
}

void ledger_commit(struct ledger *ledger, struct bus_batch *batch,
		   void (*on_done)(int rc, void *owner), void *owner)
{
	ledger_writer_commit(&ledger->writer, batch, on_done, owner);
}

void ledger_lost(struct ledger *ledger)
{
	ledger_lease_lost(ledger->lease);
}

bool ledger_runs(const struct ledger *ledger, unsigned for_ms)
{
	return ledger_lease_runs(ledger->lease, for_ms);
}
