/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: each team that has a key of the person is walked leaf by leaf, since no index covers
 * the metadata. The tree is locked in each piece, so the ledger appends nothing meanwhile. The
 * piece that finds the end of the tree deletes the key. Failure: a piece that fails changes
 * nothing; the caller begins again.
 */
#include "audit/forget.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "audit/proof_rows.h"
#include "audit/rows.h"
#include "core/json.h"

/* The text that the control plane writes for an erased person (contract e.7). */
#define NOBODY "deleted-user"

static const struct db_query find_team = {
	.sql = "SELECT s.team_id, t.tree, t.first FROM audit_salts s "
	       "JOIN audit_trees t ON t.team_id = s.team_id "
	       "WHERE s.subject = $1 AND s.team_id > $2 ORDER BY s.team_id LIMIT 1",
};
static const struct db_query lock_tree = {
	.sql = "SELECT size, first FROM audit_trees WHERE tree = $1 FOR UPDATE",
	.sqlite = "SELECT size, first FROM audit_trees WHERE tree = $1",
};
static const struct db_query find_waiting = {
	.sql = "SELECT 1 FROM audit_waiting w JOIN audit_logs a ON a.id = w.audit_id "
	       "WHERE a.team_id = $1 LIMIT 1",
};
#define FIND_PERSON                                                             \
	"SELECT 1 FROM audit_waiting w JOIN audit_logs a ON a.id = w.audit_id " \
	"WHERE a.actor_id = $1 OR a.resource_id = $1 OR "

static const struct db_query find_waiting_person = {
	.sql = FIND_PERSON "strpos(CAST(a.metadata AS text), $1) > 0 LIMIT 1",
	.sqlite = FIND_PERSON "instr(a.metadata, $1) > 0 LIMIT 1",
};
static const struct db_query store_commitment = {
	.sql = "INSERT INTO audit_erased (tree, idx, field, commitment) VALUES ($1, $2, $3, $4) "
	       "ON CONFLICT (tree, idx, field) DO NOTHING",
};
static const struct db_query blank_row = {
	.sql = "UPDATE audit_logs SET actor_id = $2, actor_name = $3, resource_id = $4, "
	       "metadata = $5 WHERE id = $1",
};
static const struct db_query delete_key = {
	.sql = "DELETE FROM audit_salts WHERE team_id = $1 AND subject = $2",
};

/* ---- one row ------------------------------------------------------------------------------- */

struct erasing {
	struct db *db;
	const struct audit_forgetting *forgetting;
	const struct proof_rows *rows;
	const struct proof_row *row;
	cJSON *metadata; /* what is left of it */
	bool has_actor_id;
	bool has_actor_name;
	bool has_resource_id;
	bool is_changed;
};

static int keep_commitment(const struct erasing *erasing, const struct leaf_field *field,
			   const struct hmac_key *key)
{
	uint8_t salt[LEAF_SALT_SIZE];
	uint8_t commitment[SHA256_SIZE];
	int rc;

	leaf_salt(key, erasing->row->row.id, field->path, salt);
	rc = leaf_commit(salt, field, commitment);
	if (rc < 0)
		return rc;

	const struct db_value values[] = {
		db_int(erasing->rows->tree),
		db_int((int64_t)erasing->row->index),
		db_text(field->path),
		db_blob((struct str){ .at = (const char *)commitment, .len = sizeof(commitment) }),
	};

	return db_run_now(erasing->db, &store_commitment, values, ARRAY_LEN(values), NULL, NULL,
			  NULL);
}

static void remove_value(struct erasing *erasing, struct str path)
{
	char name[LEAF_MAX_PATH + 1];

	if (str_is(path, "actor_id"))
		erasing->has_actor_id = false;
	else if (str_is(path, "actor_name"))
		erasing->has_actor_name = false;
	else if (str_is(path, "resource_id"))
		erasing->has_resource_id = false;
	if (!str_starts(path, STR("metadata.")))
		return;
	path = str_from(path, strlen("metadata."));
	memcpy(name, path.at, path.len);
	name[path.len] = '\0';
	cJSON_DeleteItemFromObjectCaseSensitive(erasing->metadata, name);
}

static int on_field(void *owner, const struct leaf_field *field, struct str subject)
{
	struct erasing *erasing = owner;
	const struct hmac_key *key;
	int rc;

	if (!str_is(subject, erasing->forgetting->user))
		return 0;
	key = subjects_key(&erasing->rows->subjects, &erasing->rows->team, subject);
	if (!key)
		return -EIO;
	rc = keep_commitment(erasing, field, key);
	remove_value(erasing, field->path);
	erasing->is_changed = true;
	return rc;
}

static int write_row(const struct erasing *erasing)
{
	const struct leaf_row *row = &erasing->row->row;
	struct buf metadata;
	int rc;

	assert(db_may_audit(erasing->db));
	buf_init(&metadata, LEAF_MAX_BYTES);
	if (erasing->metadata)
		json_add_value(&metadata, erasing->metadata);
	else
		buf_add_text(&metadata, "{}");
	rc = metadata.err;

	const struct db_value values[] = {
		db_uuid(&erasing->row->id),
		erasing->has_actor_id ? db_text_or_null(row->actor_id) : db_null(),
		db_text(erasing->has_actor_name ? row->actor_name : STR(NOBODY)),
		erasing->has_resource_id ? db_text_or_null(row->resource_id) : db_null(),
		db_json(buf_str(&metadata)),
	};

	if (rc == 0)
		rc = db_run_now(erasing->db, &blank_row, values, ARRAY_LEN(values), NULL, NULL,
				NULL);
	buf_done(&metadata);
	return rc;
}

static int erase_row(struct db *db, struct audit_forgetting *forgetting,
		     const struct proof_rows *rows, const struct proof_row *row)
{
	struct erasing erasing = {
		.db = db,
		.forgetting = forgetting,
		.rows = rows,
		.row = row,
		.has_actor_id = true,
		.has_actor_name = true,
		.has_resource_id = true,
	};
	int rc;

	if (row->is_missing)
		return 0;
	if (row->metadata) {
		erasing.metadata = cJSON_Duplicate(row->metadata, true);
		if (!erasing.metadata)
			return -ENOMEM;
	}
	rc = leaf_each_personal(&row->row, on_field, &erasing);
	if (rc >= 0 && erasing.is_changed)
		rc = write_row(&erasing);
	if (rc >= 0 && erasing.is_changed)
		forgetting->rows++;
	cJSON_Delete(erasing.metadata);
	return rc < 0 ? rc : 0;
}

/* ---- a team -------------------------------------------------------------------------------- */

static int on_team(const struct db_row *row, void *arg)
{
	struct audit_forgetting *forgetting = arg;

	forgetting->team = row_uuid(row, 0);
	forgetting->tree = row_int(row, 1);
	forgetting->next = (uint64_t)row_int(row, 2);
	return 0;
}

static int on_waiting(const struct db_row *row, void *arg)
{
	(void)row;
	*(bool *)arg = true;
	return 0;
}

/* Such a row gets its key only when it becomes a leaf. */
static int expect_nothing_waits(struct db *db, const struct audit_forgetting *forgetting)
{
	const struct db_value user = db_text(str_of(forgetting->user));
	bool is_waiting = false;
	int rc = db_run_now(db, &find_waiting_person, &user, 1, on_waiting, &is_waiting, NULL);

	return rc == 0 && is_waiting ? -EAGAIN : rc;
}

static int find_next_team(struct db *db, struct audit_forgetting *forgetting)
{
	const struct db_value values[] = { db_text(str_of(forgetting->user)),
					   db_uuid(&forgetting->team) };
	int rc = db_run_now(db, &find_team, values, ARRAY_LEN(values), on_team, forgetting, NULL);

	if (rc < 0 || forgetting->tree != 0)
		return rc;
	rc = expect_nothing_waits(db, forgetting);
	forgetting->is_done = rc == 0;
	return rc;
}

struct extent {
	uint64_t size;
	uint64_t first; /* row that is kept */
};

static int on_extent(const struct db_row *row, void *arg)
{
	*(struct extent *)arg = (struct extent){ .size = (uint64_t)row_int(row, 0),
						 .first = (uint64_t)row_int(row, 1) };
	return 0;
}

static int erase_leaves(struct db *db, struct audit_forgetting *forgetting, uint64_t size)
{
	struct proof_rows *rows = calloc(1, sizeof(*rows));
	char team[ID_TEXT_SIZE];
	int rc;

	if (!rows)
		return -ENOMEM;
	id_format(ID_TEAM, &forgetting->team, team);
	rows->tree = forgetting->tree;
	rows->team = forgetting->team;
	rows->team_text = str_of(team);
	rc = proof_rows_read(rows, db, forgetting->next, size);
	for (size_t i = 0; i < rows->count && rc == 0; i++)
		rc = erase_row(db, forgetting, rows, &rows->all[i]);
	if (rc == 0)
		forgetting->next = rows->next;
	proof_rows_done(rows);
	free(rows);
	return rc;
}

/* The row says that a person was erased, but not who. */
static int write_erasure(struct db *db, const struct audit_forgetting *forgetting, int64_t now_us)
{
	struct audit_entry entry = {
		.team = forgetting->team,
		.actor_type = STR("system"),
		.resource_type = STR("user"),
		.action = STR("erase"),
		.scope = STR("team"),
		.status = STR("warning"),
		.metadata = STR("{}"),
		.created_us = now_us,
	};

	uuid_v4(&entry.id);
	return audit_insert_for_later(db, &entry, now_us);
}

static int end_team(struct db *db, struct audit_forgetting *forgetting, int64_t now_us)
{
	const struct db_value values[] = { db_uuid(&forgetting->team),
					   db_text(str_of(forgetting->user)) };
	bool is_waiting = false;
	int64_t keys = 0;
	int rc = db_run_now(db, &find_waiting, values, 1, on_waiting, &is_waiting, NULL);

	if (rc == 0 && is_waiting)
		rc = -EAGAIN;
	if (rc == 0)
		rc = db_run_now(db, &delete_key, values, ARRAY_LEN(values), NULL, NULL, &keys);
	/* Every worker follows deleted accounts. Another one may have finished this team. */
	if (rc == 0 && keys > 0)
		rc = write_erasure(db, forgetting, now_us);
	if (rc == 0)
		rc = db_flush(db);
	if (rc < 0)
		return rc;
	forgetting->tree = 0;
	forgetting->teams += keys > 0;
	return 0;
}

static int do_piece(struct db *db, struct audit_forgetting *forgetting, int64_t now_us)
{
	const struct db_value tree = db_int(forgetting->tree);
	struct extent extent = { .size = 0 };
	int rc;

	if (forgetting->tree == 0)
		return find_next_team(db, forgetting);
	rc = db_run_now(db, &lock_tree, &tree, 1, on_extent, &extent, NULL);
	if (rc < 0)
		return rc;
	if (forgetting->next < extent.first)
		forgetting->next = extent.first; /* old rows have been dropped since */
	if (forgetting->next < extent.size)
		return erase_leaves(db, forgetting, extent.size);
	return end_team(db, forgetting, now_us);
}

/* A job may run twice, so a failed piece leaves the caller's place unchanged. */
int audit_forget_piece(struct db *db, struct audit_forgetting *forgetting, int64_t now_us)
{
	struct audit_forgetting next = *forgetting;
	int rc = do_piece(db, &next, now_us);

	if (rc == 0)
		*forgetting = next;
	return rc;
}

/* ---- all of it ----------------------------------------------------------------------------- */

struct forget_job {
	struct store_job job;
	struct audit_forgetting before;
	struct audit_forgetting after;
	int64_t now_us;
};

static int run_piece(struct db *db, struct store_job *job)
{
	struct forget_job *forget = container_of(job, struct forget_job, job);

	forget->after = forget->before;
	return audit_forget_piece(db, &forget->after, forget->now_us);
}

int audit_forget(const char *store_url, struct audit_forgetting *forgetting,
		 int64_t (*now_us)(void), struct reason *why)
{
	int rc = 0;

	while (rc == 0 && !forgetting->is_done) {
		struct forget_job forget = {
			.job = { .run = run_piece, .is_audited = true, .needs_audit_lock = true },
			.before = *forgetting,
			.now_us = now_us()
		};

		rc = store_run_blocking(store_url, &forget.job, why);
		if (rc == 0)
			*forgetting = forget.after;
	}
	return rc;
}
