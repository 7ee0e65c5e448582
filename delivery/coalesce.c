/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads what is due, oldest first, and finds for each row the delivery that replaces it: the newest
 * of the same resource, or else the one that its message shows. All in the caller's transaction;
 * reading locks the rows. Failure: nothing is written, and the next load finds the backlog again.
 */
#include "delivery/coalesce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/living.h"
#include "delivery/transitions.h"

#define KEYS_BYTES ((size_t)4 * 1024 * 1024)

struct due_state {
	struct uuid id;
	char id_text[UUID_TEXT_SIZE];
	size_t key; /* where its resource is in the keys, */
	size_t key_len;
	struct uuid shown_by;
	bool is_shown;    /* its message shows this event or a newer one */
	bool is_unfolded; /* its carrier was refused */
	bool is_folded;
};

struct coalescing {
	const struct uuid *channel;
	int64_t now_us;
	struct buf keys;
	size_t count;
	size_t folded;
	struct due_state rows[COALESCE_MAX_ROWS];
};

/* ---- reading --------------------------------------------------------------------------------- */

/* A join could read all messages of the channel for each row. */
#define OF_MESSAGE(value)                                                             \
	"(SELECT " value " FROM living_messages l WHERE l.channel_id = d.channel_id " \
	"AND l.resource = CASE WHEN d.event LIKE 'capsule.%' THEN 'capsule ' "        \
	"ELSE 'snapshot ' END || d.resource)"
#define TOLD_BY OF_MESSAGE("l.told_by")
#define IS_SHOWN                                               \
	OF_MESSAGE("CASE WHEN (d.stream_ms, d.stream_seq) <= " \
		   "(l.told_ms, l.told_seq) THEN 1 ELSE 0 END")
#define ROWS                                                                                   \
	"SELECT d.id, d.event, d.outcome, d.resource, d.asked_again_at, d.digest_id, " TOLD_BY \
	", COALESCE(" IS_SHOWN ", 0) FROM deliveries d "                                       \
	"WHERE d.channel_id = $1 AND d.state = 'pending' AND " DELIVERY_IS_DUE                 \
	"AND (d.held_until IS NULL OR d.held_until <= $2) AND d.instead_of IS NULL "           \
	"ORDER BY d.stream_ms, d.stream_seq LIMIT 1000"
static const struct db_query read_rows = {
	.sql = ROWS " FOR UPDATE OF d",
	.sqlite = ROWS,
};
_Static_assert(COALESCE_MAX_ROWS == 1000, "the LIMIT of read_rows");

static int on_row(const struct db_row *row, void *arg)
{
	struct coalescing *all = arg;
	struct due_state *kept = &all->rows[all->count];
	bool is_shown = row_int(row, 7) > 0;

	*kept = (struct due_state){ .id = row_uuid(row, 0),
				    .key = all->keys.len,
				    .is_shown = is_shown,
				    .is_unfolded = !row_is_null(row, 5) };
	living_key(&all->keys, event_kind_find(row_text(row, 1)), row_text(row, 2),
		   row_text(row, 3));
	kept->key_len = all->keys.len - kept->key;
	/* An ordinary message. A delivery that its owner sends again is one, too. */
	if (kept->key_len == 0 || (is_shown && !row_is_null(row, 4)))
		return 0;
	kept->shown_by = row_uuid(row, 6);
	uuid_format(&kept->id, kept->id_text);
	all->count++;
	return all->keys.err;
}

/* ---- folding --------------------------------------------------------------------------------- */

static bool is_same(const struct coalescing *all, const struct due_state *a,
		    const struct due_state *b)
{
	return a->key_len == b->key_len &&
	       memcmp(all->keys.bytes + a->key, all->keys.bytes + b->key, a->key_len) == 0;
}

/* The rows before `carrier` of its resource, and what was folded into them. */
static int fold_into(struct db *db, struct coalescing *all, size_t carrier)
{
	struct str ids[COALESCE_MAX_ROWS];
	size_t count = 0;
	int64_t changed = 0;
	int rc;

	for (size_t i = 0; i < carrier; i++) {
		struct due_state *row = &all->rows[i];

		if (row->is_folded || row->is_unfolded || !is_same(all, row, &all->rows[carrier]))
			continue;
		row->is_folded = true;
		ids[count++] = str_of(row->id_text);
	}
	if (count == 0)
		return 0;
	rc = transition_fold(db, &all->rows[carrier].id, ids, count, all->now_us, &changed);
	all->folded += count;
	if (rc == 0 && changed != (int64_t)count)
		return -EBUSY;
	return rc < 0 ? rc : transition_refold(db, &all->rows[carrier].id, ids, count, all->now_us);
}

static int fold_shown(struct db *db, struct coalescing *all, struct due_state *row)
{
	const struct str id = str_of(row->id_text);
	int64_t changed = 0;
	int rc = transition_fold(db, &row->shown_by, &id, 1, all->now_us, &changed);

	row->is_folded = true;
	all->folded++;
	if (rc == 0 && changed != 1)
		return -EBUSY;
	return rc < 0 ? rc : transition_refold(db, &row->shown_by, &id, 1, all->now_us);
}

static int fold_all(struct db *db, struct coalescing *all)
{
	int rc = 0;

	for (size_t i = 0; i < all->count && rc == 0; i++) {
		if (all->rows[i].is_shown)
			rc = fold_shown(db, all, &all->rows[i]);
	}
	/* From the newest on, so that each resource has one carrier. */
	for (size_t i = all->count; i-- > 0 && rc == 0;) {
		if (!all->rows[i].is_folded)
			rc = fold_into(db, all, i);
	}
	return rc;
}

int coalesce(struct db *db, const struct uuid *channel, int64_t now_us, size_t *out_folded)
{
	const struct db_value due[] = { db_uuid(channel), db_time(now_us) };
	struct coalescing *all = calloc(1, sizeof(*all));
	int rc;

	*out_folded = 0;
	if (!all)
		return -ENOMEM;
	all->channel = channel;
	all->now_us = now_us;
	buf_init(&all->keys, KEYS_BYTES);
	rc = db_run_now(db, &read_rows, due, ARRAY_LEN(due), on_row, all, NULL);
	if (rc == 0)
		rc = fold_all(db, all);
	if (rc == 0)
		*out_folded = all->folded;
	buf_done(&all->keys);
	free(all);
	return rc;
}
