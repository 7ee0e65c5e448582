/* SPDX-License-Identifier: Apache-2.0 */

/* The tree's row is read in one statement, so size, root and rows outside belong together. */
#include "audit/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/id.h"
#include "core/log.h"
#include "core/rfc3339.h"
#include "proof/checkpoint.h"
#include "proof/merkle.h"

#define KEY_MAX (NOTE_MAX_NAME + 64)

static const struct db_query find_listener = {
	.sql = "SELECT 1 FROM channels WHERE team_id = $1 "
	       "AND 'audit.checkpoint' = ANY(event_types) LIMIT 1",
	.sqlite = "SELECT 1 FROM channels WHERE team_id = $1 AND EXISTS (SELECT 1 FROM "
		  "json_each(event_types) WHERE value = 'audit.checkpoint') LIMIT 1",
};
static const struct db_query read_tree = {
	.sql = "SELECT t.tree, t.size, t.frontier, t.outside, " AUDIT_LEAVES_PAST_END
	       " FROM audit_trees t WHERE t.team_id = $1",
};

static const struct db_query read_newest = {
	.sql = "SELECT size, at, note FROM audit_checkpoints WHERE tree = $1 "
	       "ORDER BY size DESC LIMIT 1",
};

static const struct db_query read_of_size = {
	.sql = "SELECT size, at, note FROM audit_checkpoints WHERE tree = $1 AND size = $2",
};

static const struct db_query read_of_team = {
	.sql = "SELECT size, at, note FROM audit_checkpoints "
	       "WHERE tree = (SELECT tree FROM audit_trees WHERE team_id = $1) "
	       "ORDER BY size DESC LIMIT 1",
};

static const struct db_query add_checkpoint = {
	.sql = "INSERT INTO audit_checkpoints (tree, size, root, at, key_id, note) "
	       "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tree, size) DO NOTHING",
};

static const struct db_query remember_key = {
	.sql = "INSERT INTO audit_keys (vkey, first_used_at, last_used_at) VALUES ($1, $2, $2) "
	       "ON CONFLICT (vkey) DO UPDATE SET last_used_at = excluded.last_used_at "
	       "WHERE audit_keys.last_used_at < excluded.last_used_at",
};

struct making {
	struct audit_checkpoint *out;
	struct merkle_range range;
	int64_t outside;
};

static int on_listener(const struct db_row *row, void *arg)
{
	struct audit_checkpoint *checkpoint = arg;

	(void)row;
	checkpoint->is_wanted = true;
	return 0;
}

static void report_damage(const struct audit_checkpoint *checkpoint, const char *table)
{
	log_error(
		"the tree of an audit log is damaged, so it gets no checkpoint; put a backup back",
		log_str("table", table), log_int("tree", checkpoint->tree));
}

static int on_tree(const struct db_row *row, void *arg)
{
	struct making *making = arg;
	int64_t size = row_int(row, 1);

	making->out->tree = row_int(row, 0);
	making->outside = row_int(row, 3);
	making->out->is_damaged =
		size < 0 || making->outside < 0 || row_bool(row, 4) ||
		merkle_restore(&making->range, (uint64_t)size, row_blob(row, 2)) < 0;
	if (making->out->is_damaged)
		report_damage(making->out, "audit_trees or audit_leaves");
	return 0;
}

static int on_checkpoint(const struct db_row *row, void *arg)
{
	struct audit_checkpoint *out = arg;
	struct str note = row_text(row, 2);

	out->is_damaged = note.len >= sizeof(out->note);
	if (out->is_damaged)
		return 0;
	out->size = row_int(row, 0);
	out->at_us = row_time(row, 1);
	memcpy(out->note, note.at, note.len);
	out->note[note.len] = '\0';
	return 0;
}

/* ---- the note ------------------------------------------------------------------------------ */

static int sign(const struct making *making, const struct audit_signer *signer,
		const struct note_key *key, const struct merkle_hash *root)
{
	struct audit_checkpoint *out = making->out;
	char origin[NOTE_MAX_NAME + ID_TEXT_SIZE + 8];
	char team[ID_TEXT_SIZE];
	char time[RFC3339_TEXT_SIZE];
	struct buf text;
	struct buf note;
	int rc;

	id_format(ID_TEAM, &out->team, team);
	snprintf(origin, sizeof(origin), "%s/audit/%s", key->name, team);
	rfc3339_format(out->at_us, 6, time);
	buf_init(&text, AUDIT_NOTE_SIZE);
	buf_init(&note, AUDIT_NOTE_SIZE - 1);
	checkpoint_write(&text, &(struct checkpoint){ .origin = str_of(origin),
						      .size = making->range.size,
						      .root = *root,
						      .time = str_of(time),
						      .outside = (uint64_t)making->outside });
	if (!text.err)
		note_sign(&note, buf_str(&text), key, signer->private_key);
	rc = text.err ? text.err : note.err;
	if (rc == 0)
		memcpy(out->note, buf_text(&note), note.len + 1);
	buf_done(&text);
	buf_done(&note);
	return rc;
}

static int store_key(struct db *db, const struct note_key *key, int64_t now_us)
{
	struct buf vkey;
	int rc;

	buf_init(&vkey, KEY_MAX);
	note_key_write(&vkey, key);

	const struct db_value values[] = { db_text(buf_str(&vkey)), db_time(now_us) };

	rc = vkey.err ? vkey.err
		      : db_run(db, &remember_key, values, ARRAY_LEN(values), NULL, NULL, NULL);
	buf_done(&vkey);
	return rc;
}

/* Another worker may sign a tree of the same size at the same time: the stored one counts. */
static int make(struct db *db, const struct making *making, const struct audit_signer *signer,
		const struct note_key *key)
{
	struct audit_checkpoint *out = making->out;
	struct merkle_hash root;
	char key_id[16];
	int64_t added = 0;
	int rc;

	merkle_root(&making->range, &root);
	snprintf(key_id, sizeof(key_id), "%08x", key->id);
	rc = sign(making, signer, key, &root);
	if (rc < 0)
		return rc;

	const struct db_value team = db_uuid(&out->team);
	const struct db_value values[] = {
		db_int(out->tree),
		db_int(out->size),
		db_blob((struct str){ .at = (const char *)root.bytes, .len = sizeof(root.bytes) }),
		db_time(out->at_us),
		db_text(str_of(key_id)),
		db_text(str_of(out->note)),
	};

	rc = db_run_now(db, &add_checkpoint, values, ARRAY_LEN(values), NULL, NULL, &added);
	if (rc < 0)
		return rc;
	out->is_new = added > 0;
	if (!out->is_new)
		return db_run_now(db, &read_of_size, values, 2, on_checkpoint, out, NULL);
	rc = store_key(db, key, out->at_us);
	if (rc == 0)
		rc = db_run(db, &find_listener, &team, 1, on_listener, out, NULL);
	return rc < 0 ? rc : db_flush(db);
}

/* A team without rows has no tree in the store, but its empty export is proven as well. */
static int sign_empty(const struct making *making, const struct audit_signer *signer,
		      const struct note_key *key, int64_t now_us)
{
	struct merkle_hash root;

	merkle_root(&making->range, &root);
	making->out->size = 0;
	making->out->at_us = now_us;
	return sign(making, signer, key, &root);
}

int audit_checkpoint_make(struct db *db, const struct audit_signer *signer,
			  const struct note_key *key, const struct uuid *team, int64_t now_us,
			  struct audit_checkpoint *out)
{
	struct making making = { .out = out };
	struct db_value value = db_uuid(team);
	int rc;

	*out = (struct audit_checkpoint){ .team = *team, .size = -1 };
	merkle_init(&making.range);
	rc = db_run_now(db, &read_tree, &value, 1, on_tree, &making, NULL);
	if (rc == 0 && out->tree == 0)
		return sign_empty(&making, signer, key, now_us);
	if (rc == 0 && !out->is_damaged) {
		value = db_int(out->tree);
		rc = db_run_now(db, &read_newest, &value, 1, on_checkpoint, out, NULL);
	}
	if (rc == 0 && out->size > (int64_t)making.range.size) {
		out->is_damaged = true; /* a tree only grows */
		report_damage(out, "audit_trees or audit_checkpoints");
	}
	if (rc == 0 && out->is_damaged)
		return -EIO;
	if (rc < 0 || out->size == (int64_t)making.range.size)
		return rc;
	out->size = (int64_t)making.range.size;
	/* A clock that was set back must not order checkpoints differently from their sizes. */
	if (out->at_us < now_us)
		out->at_us = now_us;
	rc = make(db, &making, signer, key);
	return rc == 0 && out->is_damaged ? -EIO : rc;
}

int audit_checkpoint_read(struct db *db, const struct uuid *team, struct audit_checkpoint *out)
{
	const struct db_value value = db_uuid(team);
	int rc;

	*out = (struct audit_checkpoint){ .team = *team, .size = -1 };
	rc = db_run_now(db, &read_of_team, &value, 1, on_checkpoint, out, NULL);
	return rc == 0 && out->is_damaged ? -EIO : rc;
}
