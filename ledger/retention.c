/* SPDX-License-Identifier: Apache-2.0 */

#include "ledger/retention.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "proof/merkle.h"

#define TILE_START "(audit_leaves.idx / 256 * 256)"

/* Housekeeping writes it, but only while it trusts the clock. */
static const struct db_query read_age = {
	.sql = "SELECT CAST(value AS bigint) FROM store_facts WHERE name = 'aged_to_us'",
};
static const struct db_query read_tree = {
	.sql = "SELECT tree, team_id, first, drop_to, archive_to, size FROM audit_trees "
	       "WHERE tree > $1 ORDER BY tree LIMIT 1",
};
static const struct db_query read_sizes = {
	.sql = "SELECT size, at FROM audit_checkpoints WHERE tree = $1 AND size > $2 "
	       "ORDER BY size LIMIT 200",
};
static const struct db_query read_note = {
	.sql = "SELECT note FROM audit_checkpoints WHERE tree = $1 AND size = $2",
};
static const struct db_query store_archive_to = {
	.sql = "UPDATE audit_trees SET archive_to = $2 WHERE tree = $1",
};
static const struct db_query store_drop_to = {
	.sql = "UPDATE audit_trees SET drop_to = archive_to "
	       "WHERE tree = $1 AND drop_to = $2 AND archive_to = $3",
};
static const struct db_query store_first = {
	.sql = "UPDATE audit_trees SET first = $2 WHERE tree = $1",
};
static const struct db_query read_ids = {
	.sql = "SELECT audit_id FROM audit_leaf WHERE tree = $1 AND row_idx >= $2 / 32 * 32 "
	       "AND row_idx < $3 AND idx >= $2 AND idx < $3 ORDER BY idx LIMIT 512",
};
_Static_assert(RETENTION_PIECE == 512, "the LIMIT of read_ids");
/* Takes a list of ids, so that PostgreSQL does not scan the table. */
static const struct db_query drop_rows = {
	.sql = "DELETE FROM audit_logs WHERE id = ANY($1::text[]::uuid[])",
	.sqlite = "DELETE FROM audit_logs WHERE id IN (SELECT value FROM json_each($1))",
};
static const struct db_query drop_commitments = {
	.sql = "DELETE FROM audit_erased WHERE tree = $1 AND idx >= $2 AND idx < $3",
};
_Static_assert(TILE_LEAVES == 256, "the numbers in drop_leaves");
/* A tile that a checkpoint divides keeps its leaves, so that the checkpoint can be compared. */
static const struct db_query drop_leaves = {
	.sql = "DELETE FROM audit_leaves WHERE tree = $1 AND idx >= $2 AND idx < $3 "
	       "AND NOT EXISTS (SELECT 1 FROM audit_checkpoints c WHERE c.tree = $1 "
	       "AND c.size > " TILE_START " AND c.size < " TILE_START " + 256)",
};
static const struct db_query drop_keys = {
	.sql = "DELETE FROM audit_salts WHERE team_id = $1 AND subject <= "
	       "(SELECT max(subject) FROM (SELECT subject FROM audit_salts "
	       "WHERE team_id = $1 ORDER BY subject LIMIT 512) head)",
};

/* ---- what is due --------------------------------------------------------------------------- */

static int on_number(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static int on_tree(const struct db_row *row, void *arg)
{
	struct retention *retention = arg;

	retention->next = RETENTION_TREE;
	retention->tree = row_int(row, 0);
	retention->team = row_uuid(row, 1);
	retention->first = row_int(row, 2);
	retention->drop_to = row_int(row, 3);
	retention->archive_to = row_int(row, 4);
	retention->size = row_int(row, 5);
	return 0;
}

struct looking {
	int64_t before_us; /* rows from before this time are too old */
	int64_t oldest_us; /* of the checkpoints; 0: there is none */
	int64_t size;      /* of the newest one that is too old; 0: none */
};

/* Times follow the sizes. */
static int on_checkpoint(const struct db_row *row, void *arg)
{
	struct looking *looking = arg;
	int64_t at_us = row_time(row, 1);

	if (!looking->oldest_us)
		looking->oldest_us = at_us;
	if (at_us < looking->before_us)
		looking->size = row_int(row, 0);
	return 0;
}

/* So small teams get one file a day, not one for each checkpoint. */
static bool is_worth_it(const struct retention *retention, const struct looking *looking)
{
	return looking->size > 0 && (looking->oldest_us < looking->before_us - RETENTION_DAY_US ||
				     looking->size - retention->archive_to >= RETENTION_MANY);
}

static int look(struct retention *retention, struct db *db, int64_t age_us)
{
	struct looking looking = { .before_us = age_us - retention->days * RETENTION_DAY_US };
	const struct db_value values[] = { db_int(retention->tree), db_int(retention->archive_to) };
	int rc = db_run_now(db, &read_sizes, values, ARRAY_LEN(values), on_checkpoint, &looking,
			    NULL);

	if (rc < 0 || !is_worth_it(retention, &looking))
		return rc;

	const struct db_value update[] = { db_int(retention->tree), db_int(looking.size) };

	retention->next = RETENTION_AGAIN;
	return db_run_now(db, &store_archive_to, update, ARRAY_LEN(update), NULL, NULL, NULL);
}

/* ---- the file ------------------------------------------------------------------------------ */

static int on_note(const struct db_row *row, void *arg)
{
	struct retention *retention = arg;
	struct str note = row_text(row, 0);

	if (note.len < sizeof(retention->note))
		snprintf(retention->note, sizeof(retention->note), "%.*s", STR_ARGS(note));
	return 0;
}

static int ask_for_file(struct retention *retention, struct db *db)
{
	const struct db_value values[] = { db_int(retention->tree), db_int(retention->archive_to) };
	int rc;

	retention->note[0] = '\0';
	rc = db_run_now(db, &read_note, values, ARRAY_LEN(values), on_note, retention, NULL);
	if (rc == 0 && retention->note[0] == '\0')
		log_error("the tree of an audit log is damaged, so its old rows stay; put a "
			  "backup back",
			  log_int("tree", retention->tree), log_str("table", "audit_checkpoints"));
	else
		retention->next = RETENTION_ARCHIVE;
	return rc;
}

int retention_archived(const struct retention *retention, struct db *db)
{
	const struct db_value values[] = { db_int(retention->tree), db_int(retention->drop_to),
					   db_int(retention->archive_to) };

	return db_run_now(db, &store_drop_to, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

/* ---- dropping ------------------------------------------------------------------------------ */

struct old_rows {
	size_t count;
	char ids[RETENTION_PIECE][UUID_TEXT_SIZE];
	struct str words[RETENTION_PIECE];
};

static int on_id(const struct db_row *row, void *arg)
{
	struct old_rows *old = arg;
	const struct uuid id = row_uuid(row, 0);

	uuid_format(&id, old->ids[old->count]);
	old->words[old->count] = str_of(old->ids[old->count]);
	old->count++;
	return 0;
}

/* Drops from the first row to before `to`. */
static int drop_some_rows(struct retention *retention, struct db *db, int64_t to)
{
	const struct db_value range[] = { db_int(retention->tree), db_int(retention->first),
					  db_int(to) };
	struct old_rows *old = calloc(1, sizeof(*old));
	int rc;

	if (!old)
		return -ENOMEM;
	rc = db_run_now(db, &read_ids, range, ARRAY_LEN(range), on_id, old, NULL);
	if (rc == 0) {
		const struct db_value ids = db_words(old->words, old->count);

		rc = db_run_now(db, &drop_rows, &ids, 1, NULL, NULL, &retention->dropped);
	}
	free(old);
	return rc < 0 ? rc : db_run_now(db, &drop_commitments, range, 3, NULL, NULL, NULL);
}

static int drop_piece(struct retention *retention, struct db *db)
{
	const int64_t leaves_of_tile = TILE_LEAVES;
	int64_t tile = retention->first / leaves_of_tile * leaves_of_tile;
	int64_t end = tile + RETENTION_PIECE;
	int64_t to = end < retention->drop_to ? end : retention->drop_to;
	const struct db_value leaves[] = { db_int(retention->tree), db_int(tile),
					   db_int(to / leaves_of_tile * leaves_of_tile) };
	const struct db_value first[] = { db_int(retention->tree), db_int(to) };
	int rc = drop_some_rows(retention, db, to);

	if (rc == 0)
		rc = db_run(db, &drop_leaves, leaves, ARRAY_LEN(leaves), NULL, NULL, NULL);
	if (rc == 0)
		rc = db_run(db, &store_first, first, ARRAY_LEN(first), NULL, NULL, NULL);
	retention->next = RETENTION_AGAIN;
	retention->first = to;
	return rc < 0 ? rc : db_flush(db);
}

/* No row needs these keys now; new rows get new ones. */
static int drop_some_keys(struct retention *retention, struct db *db)
{
	const struct db_value team = db_uuid(&retention->team);
	int64_t keys = 0;
	int rc = db_run_now(db, &drop_keys, &team, 1, NULL, NULL, &keys);

	if (keys > 0)
		retention->next = RETENTION_AGAIN;
	return rc;
}

/* ---- a step -------------------------------------------------------------------------------- */

static int do_step(struct retention *retention, struct db *db, int64_t age_us)
{
	if (retention->first < retention->drop_to)
		return drop_piece(retention, db);
	if (retention->drop_to < retention->archive_to && retention->is_archived)
		return ask_for_file(retention, db);
	if (retention->drop_to < retention->archive_to) {
		retention->next = RETENTION_AGAIN;
		return retention_archived(retention, db);
	}
	if (retention->first > 0 && retention->first == retention->size)
		return drop_some_keys(retention, db);
	return look(retention, db, age_us);
}

int retention_step(struct retention *retention, struct db *db)
{
	const struct db_value after = db_int(retention->after);
	int64_t age_us = 0;
	int rc = db_run_now(db, &read_age, NULL, 0, on_number, &age_us, NULL);

	retention->next = RETENTION_END;
	retention->dropped = 0;
	if (rc == 0 && age_us > 0)
		rc = db_run_now(db, &read_tree, &after, 1, on_tree, retention, NULL);
	return rc < 0 || retention->next == RETENTION_END ? rc : do_step(retention, db, age_us);
}
