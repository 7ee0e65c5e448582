/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Times come from the stream ids, not from a clock. So a batch that is read again by another
 * process, minutes later, decides the same. Only a strictly later event is a repeat, so an event
 * that is read twice is not its own repeat.
 */
#include "ledger/marks.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MINUTE_US    (INT64_C(60) * 1000000)
#define FOLLOW_UP_US (15 * MINUTE_US)
#define REPEAT_US    MINUTE_US

/* ---- which events ------------------------------------------------------------------------ */

static bool is_capsule_verb(const struct event *event)
{
	return event->has_capsule && event_kind_is_subscribable(event->kind);
}

bool event_is_accept(const struct event *event)
{
	return is_capsule_verb(event) && event->outcome == OUTCOME_SUCCESS &&
	       (event->actor == ACTOR_USER || event->actor == ACTOR_API_KEY);
}

bool event_may_follow_up(const struct event *event)
{
	return is_capsule_verb(event) && event->actor == ACTOR_SYSTEM && event->reason.len == 0;
}

bool event_may_complete(const struct event *event)
{
	return is_capsule_verb(event) && event->actor == ACTOR_SYSTEM &&
	       event->outcome != OUTCOME_NONE;
}

bool event_may_repeat(const struct event *event)
{
	return event->actor == ACTOR_SYSTEM && event->kind != EVENT_EXPECTATION_MISSED;
}

/* The sequence number serves as microseconds, so that events of one millisecond have an order. */
static int64_t time_of(const struct event *event)
{
	uint64_t seq = event->id.seq < 1000 ? event->id.seq : 999;

	return (int64_t)(event->id.ms * 1000 + seq);
}

/* An event exactly that much earlier still counts, whatever its microseconds are. */
static int64_t time_before(const struct event *event, int64_t span_us)
{
	return (int64_t)event->id.ms * 1000 - span_us;
}

/* ---- the table in memory ------------------------------------------------------------------- */

int marks_init(struct marks *marks, size_t events)
{
	*marks = (struct marks){ .cap = 2 * events };
	marks->all = calloc(marks->cap ? marks->cap : 1, sizeof(*marks->all));
	return marks->all ? 0 : -ENOMEM;
}

void marks_done(struct marks *marks)
{
	free(marks->all);
	marks->all = NULL;
}

void marks_reset(struct marks *marks)
{
	memset(marks->buckets, 0, sizeof(marks->buckets));
	marks->count = 0;
}

static size_t *bucket_of(struct marks *marks, const struct uuid *subject)
{
	return &marks->buckets[uuid_hash(subject) % MARK_BUCKETS];
}

static struct mark *find(const struct marks *marks, const struct mark *key)
{
	size_t at = marks->buckets[uuid_hash(&key->subject) % MARK_BUCKETS];

	for (; at != 0; at = marks->all[at - 1].next) {
		struct mark *mark = &marks->all[at - 1];

		if (uuid_eq(&mark->subject, &key->subject) && uuid_eq(&mark->team, &key->team) &&
		    strcmp(mark->name, key->name) == 0)
			return mark;
	}
	return NULL;
}

static void gather(struct marks *marks, const struct mark *key, bool is_wanted)
{
	struct mark *mark = find(marks, key);

	if (!mark) {
		size_t *bucket = bucket_of(marks, &key->subject);

		assert(marks->count < marks->cap);
		mark = &marks->all[marks->count++];
		*mark = *key;
		mark->seen_us = INT64_MIN;
		mark->next = *bucket;
		*bucket = marks->count;
	}
	if (is_wanted)
		mark->is_wanted = true;
}

/* ---- keys of marks ----------------------------------------------------------------------- */

static void set_name(struct mark *key, const char *prefix, enum event_kind kind)
{
	snprintf(key->name, sizeof(key->name), "%s%s", prefix, event_kind_name(kind));
}

static struct mark accept_key(const struct event *event)
{
	struct mark key = { .team = event->team, .subject = event->capsule };

	set_name(&key, "", event->kind);
	return key;
}

/* Resource, outcome and reason as one id. The lengths separate the parts. Computed with no
 * allocation, since an event whose key differed the second time would have no mark. */
static struct mark repeat_key(const struct event *event)
{
	struct mark key = { .team = event->team };
	char lengths[64];

	set_name(&key, "repeat ", event->kind);
	snprintf(lengths, sizeof(lengths), "%d %zu %zu ", (int)event->outcome,
		 event->resource_type.len, event->resource_id.len);

	const struct str pieces[] = { str_of(lengths), event->resource_type, event->resource_id,
				      event->reason };

	uuid_v5_of_pieces(&event->team, pieces, ARRAY_LEN(pieces), &key.subject);
	return key;
}

/* ---- marks of one batch -------------------------------------------------------------------- */

void marks_gather(struct marks *marks, const struct event *event)
{
	bool is_answer = event_may_follow_up(event) || event_may_complete(event);
	struct mark key;

	if (event_is_accept(event) || is_answer) {
		key = accept_key(event);
		gather(marks, &key, is_answer);
	}
	if (event_may_repeat(event)) {
		key = repeat_key(event);
		gather(marks, &key, true);
	}
}

static const struct db_query read_mark = {
	.sql = "SELECT seen_at FROM accepts WHERE team_id = $1 AND sandbox_id = $2 AND event = $3",
};
static const struct db_query write_mark = {
	.sql = "INSERT INTO accepts (team_id, sandbox_id, event, seen_at) VALUES ($1, $2, $3, $4) "
	       "ON CONFLICT (team_id, sandbox_id, event) DO UPDATE SET seen_at = excluded.seen_at "
	       "WHERE accepts.seen_at < excluded.seen_at",
};

static int on_mark(const struct db_row *row, void *arg)
{
	struct mark *mark = arg;

	mark->is_stored = true;
	mark->stored_us = row_time(row, 0);
	return 0;
}

int marks_read(struct marks *marks, struct db *db)
{
	int rc = 0;

	for (size_t i = 0; i < marks->count && rc == 0; i++) {
		struct mark *mark = &marks->all[i];
		const struct db_value values[] = { db_uuid(&mark->team), db_uuid(&mark->subject),
						   db_text(str_of(mark->name)) };

		if (mark->is_wanted)
			rc = db_run(db, &read_mark, values, 3, on_mark, mark, NULL);
	}
	return rc;
}

void marks_see_accept(struct marks *marks, const struct event *event)
{
	const struct mark key = accept_key(event);
	struct mark *mark = find(marks, &key);

	mark->seen_us = time_of(event);
	mark->is_changed = true;
}

static bool is_between(int64_t us, int64_t from_us, int64_t to_us)
{
	return us >= from_us && us <= to_us;
}

bool marks_has_accept(const struct marks *marks, const struct event *event)
{
	const struct mark key = accept_key(event);
	const struct mark *mark = find(marks, &key);
	int64_t to_us = time_of(event);
	int64_t from_us = time_before(event, FOLLOW_UP_US);

	return is_between(mark->seen_us, from_us, to_us) ||
	       (mark->is_stored && is_between(mark->stored_us, from_us, to_us));
}

static int64_t without_sequence(int64_t us)
{
	return us - us % 1000;
}

int64_t marks_accept_us(const struct marks *marks, const struct event *event)
{
	int64_t to_us = time_of(event);
	int64_t from_us = time_before(event, FOLLOW_UP_US);
	const struct mark *mark;
	struct mark key;

	if (!event_may_complete(event))
		return 0;
	key = accept_key(event);
	mark = find(marks, &key);
	if (is_between(mark->seen_us, from_us, to_us))
		return without_sequence(mark->seen_us);
	if (mark->is_stored && is_between(mark->stored_us, from_us, to_us))
		return without_sequence(mark->stored_us);
	return 0;
}

bool marks_see_repeat(struct marks *marks, const struct event *event)
{
	const struct mark key = repeat_key(event);
	struct mark *mark = find(marks, &key);
	int64_t to_us = time_of(event);
	int64_t from_us = time_before(event, REPEAT_US);

	if (is_between(mark->seen_us, from_us, to_us) ||
	    (mark->is_stored && is_between(mark->stored_us, from_us, to_us - 1)))
		return true;
	mark->seen_us = to_us;
	mark->is_changed = true;
	return false;
}

static bool is_later(const struct marks *marks, const struct mark *key, const struct event *event)
{
	const struct mark *mark = find(marks, key);

	return mark->is_stored && mark->stored_us > time_of(event);
}

bool marks_have_moved_on(const struct marks *marks, const struct event *event)
{
	struct mark key;

	if (event_may_follow_up(event)) {
		key = accept_key(event);
		if (is_later(marks, &key, event))
			return true;
	}
	if (!event_may_repeat(event))
		return false;
	key = repeat_key(event);
	return is_later(marks, &key, event);
}

int marks_write(const struct marks *marks, struct db *db)
{
	int rc = 0;

	for (size_t i = 0; i < marks->count && rc == 0; i++) {
		const struct mark *mark = &marks->all[i];
		const struct db_value values[] = { db_uuid(&mark->team), db_uuid(&mark->subject),
						   db_text(str_of(mark->name)),
						   db_time(mark->seen_us) };

		if (mark->is_changed)
			rc = db_run(db, &write_mark, values, 4, NULL, NULL, NULL);
	}
	return rc;
}
