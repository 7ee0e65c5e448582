/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Turns a batch of events into what must not be lost: marks, audit rows, delivery rows, capsule rows and the
 * group's position, in one store job.
 *
 * Happy path: what the batch needs to know is read in one round, the fence first; every event is decided
 * in stream order; everything is written in one round; then the engine is told which channels have work.
 * Failure: without the lease nothing is written. With the store away the batch is offered again by its
 * owner; all ids are derived from the stream, so a second time changes nothing, and an event that comes
 * under an id of another one is marked. When the store refuses the content, the batch is committed event by
 * event and the culprits are marked, unless not even the bare position can be written: then it is not the
 * events. docs/notes/ledger.md
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "channels/capsules.h"
#include "channels/ledger_lease.h"
#include "channels/ledger_rows.h"
#include "channels/marks.h"
#include "channels/matches.h"
#include "channels/parts.h"
#include "channels/position.h"
#include "channels/reread.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "core/log.h"

#define UPGRADE_US (INT64_C(3600) * 1000000) /* in which old and new workers may run side by side */

struct counts {
	int64_t deliveries;
	int64_t accepts;
	int64_t follow_ups;
	int64_t repeats;
	int64_t bad_capsules;
};

struct commit {
	struct store_job job;
	struct channels *channels;
	struct bus_batch *batch;
	ledger_done_fn on_done;
	void *owner;
	int64_t started_us; /* monotonic */
	int64_t now_us;
	struct reread *rereads; /* one for each event of the batch */
	/* What one run works on. */
	struct position known; /* when it was submitted */
	struct fence fence;
	size_t from; /* of the batch's events */
	size_t to;
	bool is_last_run;
	bool is_single; /* event by event, after the batch as a whole was refused */
	struct marks marks;
	struct matches matches;
	struct counts counts;
};

/* ---- what is stored of an event ------------------------------------------------------------ */

/* Earlier versions gave other ids. What one had committed but not acknowledged when it was stopped is
 * read again here, and it may have run beside us for a while after our start. */
static bool may_be_stored(const struct commit *commit, const struct event *event)
{
	return event_stream_us(event) < commit->channels->started_us + UPGRADE_US;
}

static int write_delivery(struct commit *commit, struct db *db, const struct event *event,
			  struct match *match, struct str payload)
{
	match->is_used = true;
	commit->counts.deliveries++;
	return delivery_insert(
		db, &(struct new_delivery){ .event = event,
					    .channel = &match->channel,
					    .payload = payload,
					    .now_us = commit->now_us,
					    .may_be_stored = may_be_stored(commit, event) });
}

static void write_payload(const struct commit *commit, struct buf *out, const struct event *event)
{
	if (commit->channels->strip_host)
		event_write_body_without_host(out, event);
	else
		event_write_body(out, event);
}

static int write_deliveries(struct commit *commit, struct db *db, const struct event *event)
{
	struct team_matches *team = matches_of(&commit->matches, &event->team);
	struct buf payload;
	int rc = 0;

	if (!team || !event_kind_is_subscribable(event->kind))
		return 0;
	buf_init(&payload, (size_t)2 * EVENT_MAX_BYTES);
	for (size_t i = 0; i < team->count && rc == 0; i++) {
		if (!match_wants(&team->channels[i], event->kind))
			continue;
		if (payload.len == 0)
			write_payload(commit, &payload, event);
		rc = payload.err;
		if (rc == 0)
			rc = write_delivery(commit, db, event, &team->channels[i],
					    buf_str(&payload));
	}
	buf_done(&payload);
	return rc;
}

static int write_audit(const struct commit *commit, struct db *db, const struct event *event,
		       bool has_accept)
{
	const struct audit_facts facts = { .has_accept = has_accept,
					   .may_be_stored = may_be_stored(commit, event) };
	struct audit_entry entry;
	int rc;

	if (!audit_entry_from_event(event, commit->channels->audit_mode, &facts, &entry))
		return 0;
	rc = audit_insert(db, &entry);
	audit_entry_done(&entry);
	return rc;
}

static int write_capsule(struct commit *commit, struct db *db, const struct event *event)
{
	struct capsule capsule;
	int rc;

	if (event->sandbox.len == 0 || !db_is_embedded(db))
		return 0;
	if (!capsule_read(event, &capsule)) {
		commit->counts.bad_capsules++;
		return 0;
	}
	rc = capsule_store(db, &capsule);
	capsule_done(&capsule);
	return rc;
}

/* Why nobody is to be told of it; NULL when it is news. */
static const char *why_suppressed(struct commit *commit, const struct event *event, bool has_accept)
{
	bool on_completion = commit->channels->notify_completion;

	if (on_completion && event_is_accept(event)) {
		commit->counts.accepts++;
		return "accept";
	}
	if (!on_completion && has_accept) {
		commit->counts.follow_ups++;
		return "follow_up";
	}
	if (event_may_repeat(event) && marks_see_repeat(&commit->marks, event)) {
		commit->counts.repeats++;
		return "repeat";
	}
	return NULL;
}

/* A note for owners who wonder, when one of their channels would have told it. */
static int write_suppressed(const struct commit *commit, struct db *db, const struct event *event,
			    const char *reason)
{
	const struct team_matches *team = matches_of(&commit->matches, &event->team);

	if (!team || !event_kind_is_subscribable(event->kind))
		return 0;
	for (size_t i = 0; i < team->count; i++) {
		if (match_wants(&team->channels[i], event->kind))
			return suppressed_insert(db, event, reason, commit->now_us);
	}
	return 0;
}

static int write_notifications(struct commit *commit, struct db *db, const struct event *event,
			       bool has_accept)
{
	const char *reason = why_suppressed(commit, event, has_accept);

	if (!commit->channels->deliver)
		return 0;
	return reason ? write_suppressed(commit, db, event, reason)
		      : write_deliveries(commit, db, event);
}

/* There is one writer and it goes forward: only what is not past the position was ever committed. */
static bool is_reread(const struct commit *commit, const struct event *event)
{
	const struct position *stored = &commit->fence.stored;

	return stored->is_known && stream_id_compare(event->id, stored->last) <= 0;
}

/* Of an event that is read again, what was told is stored already; when it cannot be seen any more how it
 * was decided, nobody was told. */
static int write_event(struct commit *commit, struct db *db, const struct event *event)
{
	bool is_over = is_reread(commit, event) && marks_hide_the_past(&commit->marks, event);
	bool has_accept =
		event_may_follow_up(event) && (is_over || marks_has_accept(&commit->marks, event));
	int rc;

	if (event_is_accept(event))
		marks_see_accept(&commit->marks, event);
	rc = write_audit(commit, db, event, has_accept);
	if (rc == 0)
		rc = write_capsule(commit, db, event);
	return rc < 0 || is_over ? rc : write_notifications(commit, db, event, has_accept);
}

/* Up to where the ledger is once this run is committed. */
static struct stream_id position_of(const struct commit *commit)
{
	bool is_one_event = commit->is_single && commit->from < commit->to;

	return is_one_event ? commit->batch->events[commit->from]->id : commit->batch->last;
}

/* Also after a single event: what is at or before the position is decided as it was (marks.h). */
static int write_position(const struct commit *commit, struct db *db)
{
	return position_store(db, commit->channels->group, position_of(commit), commit->now_us);
}

/* ---- the job --------------------------------------------------------------------------- */

static bool is_rejected(const struct commit *commit, size_t at)
{
	return commit->batch->rejected[at].text[0] != '\0' || commit->rereads[at].is_other;
}

static int read_facts(struct commit *commit, struct db *db)
{
	int rc;

	for (size_t i = commit->from; i < commit->to; i++) {
		if (is_rejected(commit, i))
			continue;
		marks_gather(&commit->marks, commit->batch->events[i]);
		if (commit->channels->deliver)
			matches_gather(&commit->matches, commit->batch->events[i]);
	}
	rc = fence_ask(db, commit->channels->group, commit->channels->worker, &commit->fence);
	if (rc == 0)
		rc = marks_read(&commit->marks, db);
	if (rc == 0)
		rc = matches_read(&commit->matches, db);
	if (rc == 0)
		rc = db_flush(db);
	return rc == 0 && !fence_holds(&commit->fence, &commit->known) ? -EPERM : rc;
}

static int read_again(struct commit *commit, struct db *db)
{
	int rc = 0;

	for (size_t i = commit->from; i < commit->to && rc == 0; i++) {
		const struct event *event = commit->batch->events[i];

		if (is_rejected(commit, i) || !is_reread(commit, event))
			continue;
		rc = reread_ask(db, commit->channels->audit_mode,
				matches_of(&commit->matches, &event->team), &commit->rereads[i]);
	}
	return rc < 0 ? rc : db_flush(db);
}

static int run_commit(struct db *db, struct store_job *job)
{
	struct commit *commit = container_of(job, struct commit, job);
	int rc;

	marks_reset(&commit->marks);
	matches_reset(&commit->matches);
	commit->counts = (struct counts){ .deliveries = 0 };
	for (size_t i = commit->from; i < commit->to; i++)
		commit->rereads[i] = (struct reread){ .event = commit->batch->events[i] };
	rc = read_facts(commit, db);
	if (rc == 0)
		rc = read_again(commit, db);
	for (size_t i = commit->from; i < commit->to && rc == 0; i++) {
		if (!is_rejected(commit, i))
			rc = write_event(commit, db, commit->batch->events[i]);
	}
	if (rc == 0)
		rc = marks_write(&commit->marks, db);
	if (rc == 0)
		rc = write_position(commit, db);
	return rc < 0 ? rc : db_flush(db);
}

/* ---- afterwards ------------------------------------------------------------------------ */

static void free_commit(struct commit *commit)
{
	marks_done(&commit->marks);
	matches_done(&commit->matches);
	free(commit->rereads);
	free(commit);
}

static void finish(struct commit *commit, int rc)
{
	const struct ledger_metrics *metrics = &commit->channels->ledger;
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

static void wake_channels(struct commit *commit)
{
	struct engine *engine = commit->channels->engine;

	if (!engine)
		return;
	for (size_t i = 0; i < commit->matches.count; i++) {
		const struct team_matches *team = &commit->matches.teams[i];

		for (size_t j = 0; j < team->count; j++) {
			if (team->channels[j].is_used)
				engine_note(engine, &team->channels[j].channel);
		}
	}
	engine_serve(engine);
}

static void count_run(const struct commit *commit)
{
	const struct ledger_metrics *metrics = &commit->channels->ledger;

	metric_add(metrics->deliveries, commit->counts.deliveries);
	metric_add(metrics->accepts, commit->counts.accepts);
	metric_add(metrics->follow_ups, commit->counts.follow_ups);
	metric_add(metrics->repeats, commit->counts.repeats);
	metric_add(metrics->bad_capsules, commit->counts.bad_capsules);
}

static bool is_fault_of_data(int rc)
{
	return rc == -EINVAL || rc == -EBADMSG || rc == -EEXIST || rc == -E2BIG;
}

static void submit(struct commit *commit)
{
	int rc;

	commit->known = commit->channels->position;
	rc = store_write(commit->channels->store, &commit->job);
	if (rc < 0)
		finish(commit, rc);
}

/* The next event alone; behind the last the position, which no event can spoil. */
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

/* After a run that was committed. */
static void reject_others(const struct commit *commit)
{
	for (size_t i = commit->from; i < commit->to; i++) {
		if (!commit->rereads[i].is_other)
			continue;
		metric_add(commit->channels->ledger.reused_ids, 1);
		reason_set(&commit->batch->rejected[i], -EEXIST, "",
			   "another event was committed under this id; Redis lost entries and "
			   "gave their ids again");
	}
}

static void on_committed(struct store_job *job, int rc)
{
	struct commit *commit = container_of(job, struct commit, job);

	if (rc == 0) {
		count_run(commit);
		reject_others(commit);
		position_advance(&commit->channels->position, position_of(commit));
		wake_channels(commit);
	}
	if (!commit->is_single && is_fault_of_data(rc)) {
		log_warn("a batch was refused, going on event by event",
			 log_int("events", (int64_t)commit->batch->count),
			 log_str("error", errno_text(rc)));
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

/* ---- the front ------------------------------------------------------------------------- */

static struct commit *new_commit(struct channels *channels, struct bus_batch *batch)
{
	struct commit *commit = calloc(1, sizeof(*commit));

	if (!commit)
		return NULL;
	commit->channels = channels;
	commit->batch = batch;
	commit->rereads = calloc(batch->count + 1, sizeof(*commit->rereads));
	if (!commit->rereads || marks_init(&commit->marks, batch->count) < 0 ||
	    matches_init(&commit->matches, batch->count) < 0) {
		free_commit(commit);
		return NULL;
	}
	return commit;
}

void ledger_commit(struct channels *channels, struct bus_batch *batch, ledger_done_fn on_done,
		   void *owner)
{
	struct commit *commit = new_commit(channels, batch);

	if (!commit) {
		on_done(-ENOMEM, owner);
		return;
	}
	commit->on_done = on_done;
	commit->owner = owner;
	commit->started_us = clock_mono_us();
	commit->now_us = channels->now_us();
	commit->to = batch->count;
	commit->is_last_run = true;
	commit->job.run = run_commit;
	commit->job.is_audited = true;
	commit->job.needs_audit_lock = channels->audit_mode != AUDIT_OFF;
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
