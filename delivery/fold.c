/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads what is due, summarizes it in a digest, and moves the rows into it, all in the caller's
 * transaction. Reading locks the rows, so exactly the summarized rows are folded.
 *
 * The id of a digest comes from the channel and its first and last event: the same backlog gives
 * the same digest. Rows that were sent again on request may lead to the same id. Then the next free
 * name is used, so no digest is overwritten. Failure: nothing is written, and the next load finds
 * the backlog again.
 */
#include "delivery/fold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "core/id.h"
#include "core/rfc3339.h"
#include "core/stream_id.h"
#include "delivery/fold_names.h"
#include "delivery/transitions.h"

#define EVENT_TEXT_SIZE 48
#define MAX_GROUPS      64 /* counted; the digest shows DIGEST_MAX_GROUPS of them */
#define MAX_NAMES       16 /* digests with the same first and last event */
#define DIGEST_BYTES    65536
#define NOTE_BYTES      1024

struct row {
	struct uuid id;
	char id_text[UUID_TEXT_SIZE];
	struct stream_id stream_id;
};

struct fold_group {
	char event[EVENT_TEXT_SIZE];
	struct str outcome; /* a constant */
	size_t count;
};

/* A failure that the digest shows: its row, and what its payload says. */
struct failure {
	const struct row *row;
	char event_text[EVENT_TEXT_SIZE];
	struct event *event; /* NULL: the payload cannot be read */
};

struct fold {
	const struct fold_order *order;
	struct uuid team;
	int64_t requeued_us;    /* the latest; 0: none */
	struct uuid instead_of; /* if rows are copies: the failing channel of the first, and why */
	struct buf note;
	size_t copies;
	bool has_failure; /* one that quiet hours may let through */
	size_t row_count;
	size_t group_count;
	size_t failure_count;
	struct row rows[FOLD_MAX_ROWS];
	struct fold_group groups[MAX_GROUPS];
	struct failure failures[DIGEST_MAX_FAILURES];
	struct fold_names names;
};

/* ---- reading --------------------------------------------------------------------------- */

#define FOLDABLE                                                                              \
	"channel_id = $1 AND state = 'pending' AND (held_until IS NULL OR held_until <= $2) " \
	"AND attempts = attempts_before AND digest_id IS NULL AND event <> '" DIGEST_EVENT "' "
#define ROWS(by_person)                                                            \
	"SELECT id, stream_ms, stream_seq, team_id, event, outcome, requeued_at, " \
	"instead_of, note, outcome = 'success' AND (" by_person                    \
	"), resource FROM deliveries WHERE " FOLDABLE "AND " DELIVERY_IS_DUE
#define OLDEST "ORDER BY stream_ms, stream_seq LIMIT 1000"
/* In a string every quotation mark has a backslash before it, so this finds only the member. */
#define USER "'\"actor\":{\"type\":\"user\"'"
#define KEY  "'\"actor\":{\"type\":\"api_key\"'"
#define POSTGRES_ROWS                                       \
	ROWS("position(" USER "::bytea IN payload) > 0 OR " \
	     "position(" KEY "::bytea IN payload) > 0")
#define SQLITE_ROWS ROWS("instr(payload, " USER ") > 0 OR instr(payload, " KEY ") > 0")

/* PostgreSQL counts along its index of times. */
#define COUNT "SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE " FOLDABLE
static const struct db_query count_rows = {
	.sql = COUNT "AND next_attempt_at <= $2 LIMIT $3) AS due",
	.sqlite = COUNT "AND " DELIVERY_IS_DUE "LIMIT $3) AS due",
};
static const struct db_query read_rows = {
	.sql = POSTGRES_ROWS OLDEST " FOR UPDATE",
	.sqlite = SQLITE_ROWS OLDEST,
};
#define HELD "AND held_until IS NOT NULL "
static const struct db_query read_held = {
	.sql = POSTGRES_ROWS HELD OLDEST " FOR UPDATE",
	.sqlite = SQLITE_ROWS HELD OLDEST,
};
_Static_assert(FOLD_MAX_ROWS == 1000, "the LIMIT of both");
static const struct db_query read_payload = {
	.sql = "SELECT payload FROM deliveries WHERE id = $1",
};

static int on_count(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static struct str outcome_word(struct str text)
{
	if (str_is(text, "error"))
		return STR("error");
	return str_is(text, "success") ? STR("success") : STR("");
}

/* A success of these kinds that a person asked for was only accepted; it is completed later. */
static bool is_done_later(enum event_kind kind)
{
	return event_kind_is_capsule(kind) || kind == EVENT_SNAPSHOT_DELETE;
}

static void set_event(char out[EVENT_TEXT_SIZE], struct str event)
{
	snprintf(out, EVENT_TEXT_SIZE, "%.*s", STR_ARGS(event));
}

static struct fold_group *find_group(struct fold *fold, const char *event, struct str outcome)
{
	struct fold_group *group = fold->groups;
	const struct fold_group *end = group + fold->group_count;

	while (group < end &&
	       (strcmp(group->event, event) != 0 || !str_eq(group->outcome, outcome)))
		group++;
	return group;
}

/* No release has MAX_GROUPS kinds. Beyond that an event counts in the total only. */
static void count_event(struct fold *fold, const char *event, struct str outcome)
{
	struct fold_group *group = find_group(fold, event, outcome);

	if (group == fold->groups + fold->group_count) {
		if (fold->group_count == MAX_GROUPS)
			return;
		fold->group_count++;
		memcpy(group->event, event, EVENT_TEXT_SIZE);
		group->outcome = outcome;
	}
	group->count++;
}

/* False if the name waits for the next digest. Which host is down matters in a storm, too. */
static bool take_name(struct fold *fold, const char *event, struct str outcome, struct str resource)
{
	const struct digest_name name = { .event = str_of(event),
					  .outcome = outcome,
					  .resource_id = resource };
	bool is_new = find_group(fold, event, outcome) == fold->groups + fold->group_count;

	if (!fold->order->of_held && event_kind_find(name.event) != EVENT_HOST_DOWN)
		return true;
	return fold_names_take(&fold->names, &name, is_new) || !fold->order->of_held;
}

static bool is_held(const struct fold *fold, const struct channel_hold_subject *subject)
{
	return channel_hold_until(&fold->order->hold, subject) != 0;
}

static int on_row(const struct db_row *row, void *arg)
{
	struct fold *fold = arg;
	struct row *kept = &fold->rows[fold->row_count];
	struct str outcome = outcome_word(row_text(row, 5));
	int64_t requeued_us = row_time(row, 6);
	const struct channel_hold_subject subject = {
		.is_failure = channel_hold_is_failure(row_text(row, 4), row_text(row, 5)),
		.resource = row_text(row, 10),
	};
	char event[EVENT_TEXT_SIZE];

	if (is_held(fold, &subject))
		return 0;
	set_event(event, row_text(row, 4));
	if (row_bool(row, 9) && is_done_later(event_kind_find(str_of(event))))
		outcome = STR("requested");
	if (!take_name(fold, event, outcome, subject.resource))
		return 0;
	fold->has_failure = fold->has_failure || subject.is_failure;
	fold->row_count++;
	kept->id = row_uuid(row, 0);
	uuid_format(&kept->id, kept->id_text);
	kept->stream_id.ms = (uint64_t)row_int(row, 1);
	kept->stream_id.seq = (uint64_t)row_int(row, 2);
	fold->team = row_uuid(row, 3);
	if (requeued_us > fold->requeued_us)
		fold->requeued_us = requeued_us;
	if (!row_is_null(row, 7) && fold->copies++ == 0) {
		fold->instead_of = row_uuid(row, 7);
		buf_add_str(&fold->note, row_text(row, 8));
	}
	count_event(fold, event, outcome);
	if (str_is(outcome, "error") && fold->failure_count < DIGEST_MAX_FAILURES) {
		struct failure *failure = &fold->failures[fold->failure_count++];

		failure->row = kept;
		memcpy(failure->event_text, event, EVENT_TEXT_SIZE);
	}
	return 0;
}

static int on_payload(const struct db_row *row, void *arg)
{
	struct failure *failure = arg;
	int rc = event_parse(row_blob(row, 0), failure->row->stream_id, &failure->event, NULL);

	return rc == -ENOMEM ? rc : 0; /* an unreadable payload is shown by its columns */
}

static int read_failures(struct fold *fold, struct db *db)
{
	int rc = 0;
	int flushed;

	for (size_t i = 0; i < fold->failure_count && rc == 0; i++) {
		struct failure *failure = &fold->failures[i];
		const struct db_value id = db_uuid(&failure->row->id);

		rc = db_run(db, &read_payload, &id, 1, on_payload, failure, NULL);
	}
	/* Even after a failure: no row may arrive after `fold` is freed. */
	flushed = db_flush(db);
	return rc < 0 ? rc : flushed;
}

/* ---- summarizing ------------------------------------------------------------------------- */

/* Failures first, then the largest group. The other comparisons only make the order unique. */
static int by_weight(const void *a, const void *b)
{
	const struct fold_group *first = a;
	const struct fold_group *second = b;
	bool first_failed = str_is(first->outcome, "error");
	int order;

	if (first_failed != str_is(second->outcome, "error"))
		return first_failed ? -1 : 1;
	if (first->count != second->count)
		return first->count > second->count ? -1 : 1;
	order = strcmp(first->event, second->event);
	return order ? order : strcmp(first->outcome.at, second->outcome.at);
}

static const struct row *last_row(const struct fold *fold)
{
	return &fold->rows[fold->row_count - 1];
}

static void add_groups(struct fold *fold, struct digest *digest)
{
	qsort(fold->groups, fold->group_count, sizeof(*fold->groups), by_weight);
	for (size_t i = 0; i < fold->group_count && i < DIGEST_MAX_GROUPS; i++)
		digest->groups[digest->group_count++] = (struct digest_group){
			.event = str_of(fold->groups[i].event),
			.outcome = fold->groups[i].outcome,
			.count = fold->groups[i].count,
		};
}

static void add_failures(const struct fold *fold, struct digest *digest)
{
	for (size_t i = 0; i < fold->failure_count; i++) {
		const struct failure *failure = &fold->failures[i];

		digest->failures[digest->failure_count++] = (struct digest_failure){
			.event = str_of(failure->event_text),
			.resource_id = failure->event ? failure->event->resource_id : STR(""),
			.error = failure->event ? failure->event->public_error : STR(""),
		};
	}
}

static void write_digest(struct fold *fold, struct buf *out)
{
	struct digest digest = { .total = fold->row_count };
	char team[ID_TEXT_SIZE];
	char first[RFC3339_TEXT_SIZE];
	char last[RFC3339_TEXT_SIZE];

	id_format(ID_TEAM, &fold->team, team);
	rfc3339_format((int64_t)fold->rows[0].stream_id.ms * 1000, 0, first);
	rfc3339_format((int64_t)last_row(fold)->stream_id.ms * 1000, 0, last);
	digest.team_text = str_of(team);
	digest.first = str_of(first);
	digest.last = str_of(last);
	add_groups(fold, &digest);
	add_failures(fold, &digest);
	fold_names_write(&fold->names, &digest);
	digest_write(out, &digest);
}

/* ---- writing --------------------------------------------------------------------------- */

static const struct db_query insert_digest = {
	.sql = "INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
	       "channel_id, event, payload, state, next_attempt_at, created_at, updated_at, "
	       "requeued_at, instead_of, note, outcome) VALUES ($1, $2, $3, $4, $5, $6, "
	       "'" DIGEST_EVENT
	       "', $7, 'pending', $8, $8, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING",
};
static void name_digest(const struct fold *fold, unsigned again, struct uuid *out)
{
	char first[STREAM_ID_TEXT_SIZE];
	char last[STREAM_ID_TEXT_SIZE];
	char name[2 * STREAM_ID_TEXT_SIZE + 32];

	stream_id_format(fold->rows[0].stream_id, first);
	stream_id_format(last_row(fold)->stream_id, last);
	if (again == 0)
		snprintf(name, sizeof(name), "digest:%s:%s", first, last);
	else
		snprintf(name, sizeof(name), "digest:%s:%s:%u", first, last, again + 1);
	uuid_v8(last_row(fold)->stream_id, &fold->order->channel, str_of(name), out);
}

/* *inserted is false when a digest of that id exists. */
static int insert(const struct fold *fold, struct db *db, const struct uuid *id, struct str payload,
		  bool *inserted)
{
	const struct row *last = last_row(fold);
	char stream_id[STREAM_ID_TEXT_SIZE];
	int64_t changed = 0;
	int rc;

	stream_id_format(last->stream_id, stream_id);

	const struct db_value values[] = {
		db_uuid(id),
		db_text(str_of(stream_id)),
		db_int((int64_t)last->stream_id.ms),
		db_int((int64_t)last->stream_id.seq),
		db_uuid(&fold->team),
		db_uuid(&fold->order->channel),
		db_blob(payload),
		db_time(fold->order->now_us),
		fold->requeued_us ? db_time(fold->requeued_us) : db_null(),
		fold->copies ? db_uuid(&fold->instead_of) : db_null(),
		db_text_or_null(buf_str(&fold->note)),
		/* hold.c treats the digest like an event */
		fold->has_failure ? db_text(STR("error")) : db_null(),
	};

	rc = db_run_now(db, &insert_digest, values, ARRAY_LEN(values), NULL, NULL, &changed);
	*inserted = changed == 1;
	return rc;
}

static int move(const struct fold *fold, struct db *db, const struct uuid *digest)
{
	struct str *ids = calloc(fold->row_count, sizeof(*ids));
	int64_t changed = 0;
	int rc;

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < fold->row_count; i++)
		ids[i] = str_of(fold->rows[i].id_text);
	rc = transition_fold(db, digest, ids, fold->row_count, fold->order->now_us, &changed);
	free(ids);
	if (rc < 0)
		return rc;
	return changed == (int64_t)fold->row_count ? 0 : -EBUSY;
}

static int write_all(struct fold *fold, struct db *db, struct fold_result *result)
{
	struct buf payload;
	bool inserted = false;
	struct uuid id;
	int rc;

	buf_init(&payload, DIGEST_BYTES);
	write_digest(fold, &payload);
	rc = payload.err;
	for (unsigned again = 0; rc == 0 && !inserted && again < MAX_NAMES; again++) {
		name_digest(fold, again, &id);
		rc = insert(fold, db, &id, buf_str(&payload), &inserted);
	}
	if (rc == 0 && inserted)
		rc = move(fold, db, &id);
	if (rc == 0 && inserted)
		*result = (struct fold_result){ .folded = fold->row_count, .digest = id };
	buf_done(&payload);
	return rc;
}

/* ---- folding --------------------------------------------------------------------------- */

static int fold_rows(struct fold *fold, struct db *db, struct fold_result *result)
{
	const struct db_value due[] = {
		db_uuid(&fold->order->channel),
		db_time(fold->order->now_us),
	};
	int rc = db_run_now(db, fold->order->of_held ? &read_held : &read_rows, due, ARRAY_LEN(due),
			    on_row, fold, NULL);

	if (rc == 0)
		rc = fold->note.err;
	/* Another job may have taken rows after they were counted. */
	if (rc < 0 || fold->row_count <= fold->order->allowance)
		return rc;
	rc = read_failures(fold, db);
	return rc < 0 ? rc : write_all(fold, db, result);
}

int fold_backlog(struct db *db, const struct fold_order *order, struct fold_result *result)
{
	const struct db_value due[] = {
		db_uuid(&order->channel),
		db_time(order->now_us),
		db_int((int64_t)order->allowance + 1),
	};
	struct fold *fold;
	int64_t count = 0;
	int rc;

	*result = (struct fold_result){ .folded = 0 };
	/* A digest of one event would say less than the event. */
	if (!order->provider->folds || order->allowance == 0 || order->allowance >= FOLD_MAX_ROWS)
		return 0;
	rc = db_run_now(db, &count_rows, due, ARRAY_LEN(due), on_count, &count, NULL);
	if (rc < 0 || count <= (int64_t)order->allowance)
		return rc;
	fold = calloc(1, sizeof(*fold));
	if (!fold)
		return -ENOMEM;
	fold->order = order;
	buf_init(&fold->note, NOTE_BYTES);
	rc = fold_rows(fold, db, result);
	buf_done(&fold->note);
	for (size_t i = 0; i < fold->failure_count; i++)
		event_free(fold->failures[i].event);
	free(fold);
	return rc;
}
