/* SPDX-License-Identifier: Apache-2.0 */

#include "ledger/checkpoint_round.h"

#include "core/rfc3339.h"

static const struct db_query read_begin = {
	.sql = "SELECT value FROM store_facts WHERE name = 'audit_round'",
};

static const struct db_query store_begin = {
	.sql = "INSERT INTO store_facts (name, value) VALUES ('audit_round', $1) "
	       "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
};

/* The limit is in the inner query, so that a piece reads few rows even if no tree has grown. */
static const struct db_query find_trees = {
	.sql = "SELECT tree, team_id, size <> checkpoint_size FROM audit_trees WHERE tree > $1 "
	       "ORDER BY tree LIMIT 32",
};

_Static_assert(ROUND_PIECE == 32, "the LIMIT of find_trees");
_Static_assert(ROUND_PIECE == PUBLISHED_PIECE, "a piece looks at the same trees twice");

static const struct db_query note_checkpoint = {
	.sql = "UPDATE audit_trees SET checkpoint_size = $2, checkpoint_at = $3 WHERE tree = $1",
};

static int on_begin(const struct db_row *row, void *arg)
{
	/* A note that cannot be read counts as none. */
	if (rfc3339_parse(row_text(row, 0), arg) < 0)
		*(int64_t *)arg = 0;
	return 0;
}

int checkpoint_round_begin(struct checkpoint_round *round, struct db *db, int64_t now_us)
{
	char text[RFC3339_TEXT_SIZE];
	int64_t last_us = 0;
	int rc = db_run_now(db, &read_begin, NULL, 0, on_begin, &last_us, NULL);

	round->last_tree = 0;
	round->is_due = last_us > now_us || now_us - last_us >= ROUND_EVERY_US;
	round->wait_us = last_us + ROUND_EVERY_US - now_us;
	if (rc < 0 || !round->is_due)
		return rc;
	rfc3339_format(now_us, 6, text);

	const struct db_value value = db_text(str_of(text));

	return db_run_now(db, &store_begin, &value, 1, NULL, NULL, NULL);
}

/* Notes the teams whose trees have grown. */
static int on_tree(const struct db_row *row, void *arg)
{
	struct checkpoint_round *round = arg;

	round->seen++;
	round->last_tree = row_int(row, 0);
	if (round->is_due && row_bool(row, 2))
		round->made[round->count++].team = row_uuid(row, 1);
	return 0;
}

static int make(struct db *db, const struct audit_signer *signer, const struct note_key *key,
		int64_t now_us, struct audit_checkpoint *checkpoint)
{
	const struct uuid team = checkpoint->team;
	int rc = audit_checkpoint_make(db, signer, key, &team, now_us, checkpoint);

	if (checkpoint->is_damaged)
		return 0; /* it stays due, and the other teams get their checkpoints */
	if (rc < 0)
		return rc;

	const struct db_value values[] = { db_int(checkpoint->tree), db_int(checkpoint->size),
					   db_time(checkpoint->at_us) };

	return db_run(db, &note_checkpoint, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int checkpoint_round_piece(struct checkpoint_round *round, struct db *db,
			   const struct audit_signer *signer, int64_t now_us)
{
	const struct db_value after = db_int(round->last_tree);
	struct note_key key;
	int rc;

	round->seen = 0;
	round->count = 0;
	rc = published_find_others(db, round->last_tree, round->others, &round->other_count);
	if (rc < 0)
		return rc;
	rc = db_run_now(db, &find_trees, &after, 1, on_tree, round, NULL);
	if (rc == 0 && round->count > 0)
		rc = audit_signer_public(db, signer, &key);
	for (size_t i = 0; i < round->count && rc == 0; i++)
		rc = make(db, signer, &key, now_us, &round->made[i]);
	return rc < 0 ? rc : db_flush(db);
}

bool checkpoint_round_is_over(const struct checkpoint_round *round)
{
	return round->seen < ROUND_PIECE;
}
