/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Commits a batch in one store job, or in several when the store refuses it as a whole.
 *
 * Happy path: one round reads the fence and everything needed to decide the events. Every event is
 * decided in stream order. One round writes everything, the position last. Then the owner is told
 * which channels have work.
 *
 * Failure: without the lease nothing is written. With the store away the owner offers the batch
 * again. When the store refuses the content, the batch is committed event by event and each
 * culprit is rejected. When it refuses even the position alone, the events are not to blame.
 * docs/notes/ledger.md
 */
#include "ledger/writer.h"

#include <errno.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "ledger/fence.h"
#include "ledger/reread.h"

#define EXPECTATIONS_HELP "What became of expectations of teams"

struct commit {
	struct store_job job;
	struct ledger_writer *writer;
	struct bus_batch *batch;
	ledger_done_fn on_done;
	void *owner;
	int64_t started_us;     /* monotonic */
	struct reread *rereads; /* one for each event of the batch */
	/* What one run works on. */
	struct position known; /* when it was submitted */
	struct fence fence;
	size_t from; /* of the batch's events */
	size_t to;
	bool is_last_run;
	bool is_single; /* event by event, after the batch as a whole was refused */
	struct event_rows rows;
};

/* The ledger's position after this run. */
static struct stream_id position_of(const struct commit *commit)
{
	bool is_one_event = commit->is_single && commit->from < commit->to;

	return is_one_event ? commit->batch->events[commit->from]->id : commit->batch->last;
}

/* ---- the store job --------------------------------------------------------------------- */

static bool is_rejected(const struct commit *commit, size_t at)
{
	return commit->batch->rejected[at].text[0] != '\0' || commit->rereads[at].is_other;
}

static int read_facts(struct commit *commit, struct db *db)
{
	const struct ledger_writer *writer = commit->writer;
	int rc = 0;

	for (size_t i = commit->from; i < commit->to && rc == 0; i++) {
		if (!is_rejected(commit, i))
			rc = event_rows_gather(&commit->rows, commit->batch->events[i]);
	}
	if (rc == 0)
		rc = fence_ask(db, writer->group, writer->worker, &commit->fence);
	if (rc == 0)
		rc = event_rows_read(&commit->rows, db);
	if (rc == 0)
		rc = db_flush(db);
	return rc == 0 && !fence_holds(&commit->fence, &commit->known) ? -EPERM : rc;
}

static int read_again(struct commit *commit, struct db *db)
{
	int rc = 0;

	for (size_t i = commit->from; i < commit->to && rc == 0; i++) {
		const struct event *event = commit->batch->events[i];

		if (is_rejected(commit, i) || !event_rows_is_reread(&commit->rows, event))
			continue;
		rc = reread_ask(db, commit->writer->rules.audit_mode,
				matches_of(&commit->rows.matches, &event->team),
				&commit->rereads[i]);
	}
	return rc < 0 ? rc : db_flush(db);
}

static int run_commit(struct db *db, struct store_job *job)
{
	struct commit *commit = container_of(job, struct commit, job);
	int rc;

	event_rows_reset(&commit->rows);
	for (size_t i = commit->from; i < commit->to; i++)
		commit->rereads[i] = (struct reread){ .event = commit->batch->events[i] };
	rc = read_facts(commit, db);
	if (rc == 0)
		rc = event_rows_read_waits(&commit->rows, db);
	if (rc == 0)
		rc = read_again(commit, db);
	for (size_t i = commit->from; i < commit->to && rc == 0; i++) {
		if (!is_rejected(commit, i))
			rc = event_rows_write(&commit->rows, db, commit->batch->events[i]);
	}
	if (rc == 0)
		rc = event_rows_write_rest(&commit->rows, db);
	if (rc == 0)
		/* Also after a single event, because events at or before the position count as
		 * decided. */
		rc = position_store(db, commit->writer->group, position_of(commit),
				    commit->rows.now_us);
	return rc < 0 ? rc : db_flush(db);
}

/* ---- after the store job --------------------------------------------------------------- */

static void free_commit(struct commit *commit)
{
	event_rows_done(&commit->rows);
	free(commit->rereads);
	free(commit);
}

static void finish(struct commit *commit, int rc)
{
	const struct ledger_metrics *metrics = &commit->writer->metrics;
	const struct bus_batch *batch = commit->batch;
	ledger_done_fn on_done = commit->on_done;
	void *owner = commit->owner;

	for (size_t i = 0; i < batch->count; i++) {
		if (rc < 0)
			batch->rejected[i] = (struct reason){ .text = "" };
		else
			metric_add(batch->rejected[i].text[0] ? metrics->rejected : metrics->events,
				   1);
	}
	if (rc == 0) {
		metric_add(metrics->commits, 1);
		metric_observe_us(metrics->latency, clock_mono_us() - commit->started_us);
	}
	free_commit(commit);
	on_done(rc, owner);
}

/* A row that was stored before may have been sent already. */
static void cut_at_stored(struct fresh_rows *fresh)
{
	for (const struct fresh_row *row = fresh->first; row; row = row->next) {
		if (row->inserted == 0) {
			fresh_rows_done(fresh);
			fresh->has_more = true;
			return;
		}
	}
}

static void report_work(struct commit *commit)
{
	const struct ledger_writer *writer = commit->writer;

	for (size_t i = 0; writer->on_work && i < commit->rows.matches.count; i++) {
		const struct team_matches *team = &commit->rows.matches.teams[i];

		for (size_t j = 0; j < team->count; j++) {
			struct channel_match *match = &team->channels[j];

			if (!match->is_used)
				continue;
			cut_at_stored(&match->fresh);
			writer->on_work(&match->fresh, writer->work_owner);
		}
	}
}

static void count_run(const struct commit *commit)
{
	const struct ledger_metrics *metrics = &commit->writer->metrics;

	metric_add(metrics->deliveries, commit->rows.counts.deliveries);
	metric_add(metrics->accepts, commit->rows.counts.accepts);
	metric_add(metrics->follow_ups, commit->rows.counts.follow_ups);
	metric_add(metrics->repeats, commit->rows.counts.repeats);
	metric_add(metrics->bad_capsules, commit->rows.counts.bad_capsules);
	metric_add(metrics->without_leaf, commit->rows.trees.without_leaf);
	metric_add(metrics->missed, commit->rows.expected.missed);
	metric_add(metrics->arrived, commit->rows.expected.arrived);
	metric_add(metrics->unwatched, commit->rows.expected.refused);
}

static bool is_fault_of_data(int rc)
{
	return rc == -EINVAL || rc == -EBADMSG || rc == -EEXIST || rc == -E2BIG;
}

static void submit(struct commit *commit)
{
	int rc;

	commit->known = commit->writer->position;
	rc = store_write(commit->writer->store, &commit->job);
	if (rc < 0)
		finish(commit, rc);
}

/* Submits the next event by itself; after the last one, only the position. */
static void submit_next(struct commit *commit)
{
	size_t count = commit->batch->count;

	commit->from = commit->to;
	commit->to = commit->from < count ? commit->from + 1 : count;
	commit->is_last_run = commit->from == count;
	submit(commit);
}

static void reject(const struct commit *commit, size_t at, int rc)
{
	reason_set(&commit->batch->rejected[at], rc, "", "the store refuses this event (%s)",
		   errno_text(rc));
}

static void log_refusal(const struct commit *commit, int rc)
{
	int64_t kept_back;

	if (log_limit_passes(&commit->writer->refusal_lines, clock_mono_ms(), &kept_back))
		log_warn("the store refused a batch; its events are committed one by one",
			 log_int("events", (int64_t)commit->batch->count),
			 log_str("error", errno_text(rc)), log_int("kept_back", kept_back));
}

/* Called after a committed run. */
static void reject_others(const struct commit *commit)
{
	for (size_t i = commit->from; i < commit->to; i++) {
		if (!commit->rereads[i].is_other)
			continue;
		metric_add(commit->writer->metrics.reused_ids, 1);
		reason_set(&commit->batch->rejected[i], -EEXIST, "",
			   "another event was committed under this id: Redis lost entries and "
			   "gave their ids to new ones");
	}
}

static void on_committed(struct store_job *job, int rc)
{
	struct commit *commit = container_of(job, struct commit, job);

	if (rc == 0) {
		count_run(commit);
		reject_others(commit);
		position_advance(&commit->writer->position, position_of(commit));
		report_work(commit);
	}
	/* The queues share the rows' bodies, whose references are counted on the loop's thread. */
	event_rows_reset(&commit->rows);
	if (!commit->is_single && is_fault_of_data(rc)) {
		log_refusal(commit, rc);
		commit->is_single = true;
		commit->to = 0;
		submit_next(commit);
		return;
	}
	if (commit->is_single && commit->from < commit->to && is_fault_of_data(rc)) {
		reject(commit, commit->from, rc);
		rc = 0;
	}
	if (rc == 0 && commit->is_single && !commit->is_last_run)
		submit_next(commit);
	else
		finish(commit, rc);
}

/* ---- opening and committing ------------------------------------------------------------ */

void ledger_writer_init(struct ledger_writer *writer)
{
	struct ledger_metrics *metrics = &writer->metrics;

	metrics->commits = metric_counter("wrenn_events_ledger_commits_total", NULL,
					  "Batches of events committed");
	metrics->events =
		metric_counter("wrenn_events_ledger_events_total", NULL, "Events committed");
	metrics->deliveries = metric_counter("wrenn_events_ledger_deliveries_total", NULL,
					     "Deliveries made from events");
	metrics->accepts = metric_counter("wrenn_events_ledger_suppressed_total", "why=\"accept\"",
					  "Events that notify nobody");
	metrics->follow_ups = metric_counter("wrenn_events_ledger_suppressed_total",
					     "why=\"follow_up\"", "Events that notify nobody");
	metrics->repeats = metric_counter("wrenn_events_ledger_suppressed_total", "why=\"repeat\"",
					  "Events that notify nobody");
	metrics->rejected = metric_counter("wrenn_events_ledger_rejected_total", NULL,
					   "Events that can never be stored: dead letters");
	metrics->bad_capsules = metric_counter("wrenn_events_ledger_bad_capsules_total", NULL,
					       "Events whose sandbox object was ignored");
	metrics->reused_ids =
		metric_counter("wrenn_events_ledger_reused_ids_total", NULL,
			       "Events refused because another was committed under their id");
	metrics->without_leaf =
		metric_counter("wrenn_events_ledger_rows_without_leaf_total", NULL,
			       "Audit rows without proof, because their team's tree is damaged");
	metrics->missed = metric_counter("wrenn_events_expectations_total", "what=\"missed\"",
					 EXPECTATIONS_HELP);
	metrics->arrived = metric_counter("wrenn_events_expectations_total", "what=\"arrived\"",
					  EXPECTATIONS_HELP);
	metrics->unwatched = metric_counter("wrenn_events_expectations_total",
					    "what=\"not_watched\"", EXPECTATIONS_HELP);
	metrics->latency = metric_histogram("wrenn_events_ledger_commit_seconds", NULL,
					    "From a batch handed over to its commit");
}

static struct commit *new_commit(struct ledger_writer *writer, struct bus_batch *batch)
{
	struct commit *commit = calloc(1, sizeof(*commit));

	if (!commit)
		return NULL;
	commit->writer = writer;
	commit->batch = batch;
	commit->rows.rules = &writer->rules;
	commit->rows.stored = &commit->fence.stored;
	commit->rows.now_us = writer->now_us();
	commit->rereads = calloc(batch->count + 1, sizeof(*commit->rereads));
	if (!commit->rereads ||
	    event_rows_init(&commit->rows, &writer->expected, batch->count) < 0) {
		free_commit(commit);
		return NULL;
	}
	return commit;
}

void ledger_writer_commit(struct ledger_writer *writer, struct bus_batch *batch,
			  ledger_done_fn on_done, void *owner)
{
	struct commit *commit = new_commit(writer, batch);

	if (!commit) {
		on_done(-ENOMEM, owner);
		return;
	}
	commit->on_done = on_done;
	commit->owner = owner;
	commit->started_us = clock_mono_us();
	commit->to = batch->count;
	commit->is_last_run = true;
	commit->job.run = run_commit;
	commit->job.is_audited = true;
	commit->job.needs_audit_lock = writer->rules.audit_mode != AUDIT_OFF;
	commit->job.priority = STORE_PRIORITY_HIGH;
	commit->job.on_done = on_committed;
	for (size_t i = 0; i < batch->count; i++) {
		batch->rejected[i] = (struct reason){ .text = "" };
		if (!position_fits(batch->events[i]->id))
			reason_set(&batch->rejected[i], -EINVAL, "",
				   "the stream id is too large to be stored");
	}
	submit(commit);
}
