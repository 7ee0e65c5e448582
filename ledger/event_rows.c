/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decides what one event means and writes it. Every id comes from the stream, so an event that is
 * written again changes nothing.
 */
#include "ledger/event_rows.h"

#include "ledger/capsules.h"
#include "ledger/delivery_rows.h"
#include "ledger/snapshots.h"

#define FRESH_MAX_BYTES ((size_t)4 * 1024 * 1024) /* of one commit */
/* How long old and new workers may run side by side. */
#define UPGRADE_US (INT64_C(3600) * 1000000)

int event_rows_init(struct event_rows *rows, struct expect_cache *cache, size_t events)
{
	int rc = marks_init(&rows->marks, events);

	if (rc == 0)
		rc = matches_init(&rows->matches, events);
	if (rc == 0)
		rc = expect_batch_init(&rows->expected, cache, events);
	if (rc == 0)
		rc = activity_init(&rows->activity, events);
	return rc < 0 ? rc : trees_init(&rows->trees, events);
}

void event_rows_done(struct event_rows *rows)
{
	marks_done(&rows->marks);
	matches_done(&rows->matches);
	activity_done(&rows->activity);
	trees_done(&rows->trees);
	expect_batch_done(&rows->expected);
}

void event_rows_reset(struct event_rows *rows)
{
	marks_reset(&rows->marks);
	matches_reset(&rows->matches);
	activity_reset(&rows->activity);
	trees_reset(&rows->trees);
	expect_batch_reset(&rows->expected);
	rows->counts = (struct event_counts){ .deliveries = 0 };
	rows->fresh_bytes = 0;
}

int event_rows_gather(struct event_rows *rows, const struct event *event)
{
	marks_gather(&rows->marks, event);
	if (rows->rules->deliver)
		matches_gather(&rows->matches, event);
	return expect_batch_gather(&rows->expected, event);
}

int event_rows_read(struct event_rows *rows, struct db *db)
{
	int rc = marks_read(&rows->marks, db);

	if (rc == 0)
		rc = matches_read(&rows->matches, db);
	return rc < 0 ? rc : expect_batch_read_rules(&rows->expected, db);
}

int event_rows_read_waits(struct event_rows *rows, struct db *db)
{
	return expect_batch_read_waits(&rows->expected, db);
}

int event_rows_write_rest(struct event_rows *rows, struct db *db)
{
	int rc = trees_write(&rows->trees, db);

	if (rc == 0)
		rc = marks_write(&rows->marks, db);
	if (rc == 0)
		rc = expect_batch_write(&rows->expected, db);
	return rc < 0 ? rc : activity_write(&rows->activity, db);
}

/* ---- what is stored of an event ------------------------------------------------------------ */

/* Earlier versions gave other ids. An old worker may have committed an event and stopped before
 * it acknowledged it, or may still have run for a while after our start. */
static bool may_be_stored(const struct event_rows *rows, const struct event *event)
{
	return event_stream_us(event) < rows->rules->started_us + UPGRADE_US;
}

/* ---- deliveries ---------------------------------------------------------------------------- */

/* One event's body, for all its deliveries. */
struct notice {
	const struct event *event;
	struct buf payload;
	int64_t accepted_us; /* 0: unknown */
	struct body *body;   /* NULL: the engine reads the rows from the store */
};

/* Returns the place where the store will say whether the row is new. Above the bound, or when out
 * of memory, the engine reads this row and all later ones from the store, because it must get them
 * in order. */
static int64_t *keep_fresh(struct event_rows *rows, const struct notice *notice,
			   struct fresh_rows *fresh, const struct uuid *id)
{
	struct fresh_row *row = NULL;

	fresh->now_us = rows->now_us;
	if (notice->body && !fresh->has_more && rows->fresh_bytes < FRESH_MAX_BYTES)
		row = fresh_rows_add(fresh, id, notice->event->id, notice->body);
	fresh->has_more = !row;
	rows->fresh_bytes += sizeof(*row);
	return row ? &row->inserted : NULL;
}

static int write_delivery(struct event_rows *rows, struct db *db, const struct notice *notice,
			  struct channel_match *match)
{
	struct uuid id;

	match->is_used = true;
	rows->counts.deliveries++;
	delivery_id_make(&match->fresh.channel, notice->event->id, &id);

	const struct new_delivery delivery = {
		.id = &id,
		.event = notice->event,
		.channel = &match->fresh.channel,
		.payload = buf_str(&notice->payload),
		.accepted_us = notice->accepted_us,
		.now_us = rows->now_us,
		.may_be_stored = may_be_stored(rows, notice->event),
		.inserted = keep_fresh(rows, notice, &match->fresh, &id),
	};

	return delivery_insert(db, &delivery);
}

static int write_payload(struct event_rows *rows, struct notice *notice)
{
	if (rows->rules->strip_host)
		event_write_body_without_host(&notice->payload, notice->event);
	else
		event_write_body(&notice->payload, notice->event);
	if (!notice->payload.err && rows->fresh_bytes < FRESH_MAX_BYTES) {
		notice->body = body_make(buf_str(&notice->payload));
		rows->fresh_bytes += notice->payload.len;
	}
	return notice->payload.err;
}

static int write_deliveries(struct event_rows *rows, struct db *db, const struct event *event)
{
	struct team_matches *team = matches_of(&rows->matches, &event->team);
	struct notice notice = { .event = event,
				 .accepted_us = marks_accept_us(&rows->marks, event) };
	int rc = 0;

	if (!team || !event_kind_is_subscribable(event->kind))
		return 0;
	buf_init(&notice.payload, (size_t)2 * EVENT_MAX_BYTES);
	for (size_t i = 0; i < team->count && rc == 0; i++) {
		if (!match_wants(&team->channels[i], event))
			continue;
		if (notice.payload.len == 0)
			rc = write_payload(rows, &notice);
		if (rc == 0)
			rc = write_delivery(rows, db, &notice, &team->channels[i]);
	}
	body_unref(notice.body);
	buf_done(&notice.payload);
	return rc;
}

/* The control plane wrote the row, or will. */
static int leave_out(struct event_rows *rows, const struct event *event,
		     const struct audit_facts *facts)
{
	if (event_rows_is_reread(rows, event) ||
	    !audit_is_left_out(event, rows->rules->audit_mode, facts))
		return 0;
	return trees_leave_out(&rows->trees, &event->team);
}

static int write_audit(struct event_rows *rows, struct db *db, const struct event *event,
		       bool has_accept)
{
	const struct audit_facts facts = { .has_accept = has_accept,
					   .may_be_stored = may_be_stored(rows, event) };
	struct audit_entry entry;
	struct new_leaf *leaf;
	int rc;

	if (!audit_entry_from_event(event, rows->rules->audit_mode, &facts, &entry))
		return leave_out(rows, event, &facts);
	rc = entry.metadata_buf.err ? entry.metadata_buf.err
				    : trees_add(&rows->trees, &entry, &leaf);
	if (rc == 0) {
		leaf->is_certain = !event_rows_is_reread(rows, event) && !facts.may_be_stored;
		rc = audit_insert(db, &entry, &leaf->inserted);
	}
	audit_entry_done(&entry);
	return rc;
}

static int write_capsule(struct event_rows *rows, struct db *db, const struct event *event)
{
	struct capsule capsule;
	int rc;

	if (event->sandbox.len == 0 || !db_is_embedded(db))
		return 0;
	if (!capsule_read(event, &capsule)) {
		rows->counts.bad_capsules++;
		return 0;
	}
	rc = capsule_store(db, &capsule);
	capsule_done(&capsule);
	return rc;
}

/* ---- who hears of it ----------------------------------------------------------------------- */

/* Why the event notifies nobody; NULL when it does. */
static const char *why_suppressed(struct event_rows *rows, const struct event *event,
				  bool has_accept)
{
	bool on_completion = rows->rules->notify_completion;

	if (on_completion && event_is_accept(event)) {
		rows->counts.accepts++;
		return "accept";
	}
	if (!on_completion && has_accept) {
		rows->counts.follow_ups++;
		return "follow_up";
	}
	if (event_may_repeat(event) && marks_see_repeat(&rows->marks, event)) {
		rows->counts.repeats++;
		return "repeat";
	}
	return NULL;
}

/* Owners may ask why no notification came. The note is needed only if a channel would have received
 * one. */
static int write_suppressed(const struct event_rows *rows, struct db *db, const struct event *event,
			    const char *reason)
{
	const struct team_matches *team = matches_of(&rows->matches, &event->team);

	if (!team || !event_kind_is_subscribable(event->kind))
		return 0;
	for (size_t i = 0; i < team->count; i++) {
		if (match_wants(&team->channels[i], event))
			return suppressed_insert(db, event, reason, rows->now_us);
	}
	return 0;
}

static int write_notifications(struct event_rows *rows, struct db *db, const struct event *event,
			       bool has_accept)
{
	const char *reason = why_suppressed(rows, event, has_accept);

	if (!rows->rules->deliver)
		return 0;
	return reason ? write_suppressed(rows, db, event, reason)
		      : write_deliveries(rows, db, event);
}

/* There is one writer, and it only goes forward, so only events up to the position were
 * committed. */
bool event_rows_is_reread(const struct event_rows *rows, const struct event *event)
{
	return rows->stored->is_known && stream_id_compare(event->id, rows->stored->last) <= 0;
}

/* A notice of ours counts once, and only while it is true. */
static int write_notice(struct event_rows *rows, struct db *db, const struct event *event)
{
	int rc;

	if (event_rows_is_reread(rows, event))
		return 0;
	activity_see(&rows->activity, event);
	if (!expect_batch_take_notice(&rows->expected, event))
		return rows->rules->deliver ? write_suppressed(rows, db, event, "not_expected") : 0;
	rc = write_audit(rows, db, event, false);
	return rc < 0 ? rc : write_notifications(rows, db, event, false);
}

/* The notifications of an event that comes again are already stored. If later marks hide how the
 * event was decided, it notifies nobody. */
int event_rows_write(struct event_rows *rows, struct db *db, const struct event *event)
{
	bool is_over =
		event_rows_is_reread(rows, event) && marks_have_moved_on(&rows->marks, event);
	bool has_accept =
		event_may_follow_up(event) && (is_over || marks_has_accept(&rows->marks, event));
	int rc;

	if (event->kind == EVENT_EXPECTATION_MISSED)
		return write_notice(rows, db, event);
	if (event_is_accept(event))
		marks_see_accept(&rows->marks, event);
	if (!event_rows_is_reread(rows, event)) {
		activity_see(&rows->activity, event);
		expect_batch_see(&rows->expected, event);
	}
	rc = write_audit(rows, db, event, has_accept);
	if (rc == 0)
		rc = snapshot_note_outcome(db, event);
	if (rc == 0)
		rc = write_capsule(rows, db, event);
	return rc < 0 || is_over ? rc : write_notifications(rows, db, event, has_accept);
}
