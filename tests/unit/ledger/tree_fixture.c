/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/ledger/tree_fixture.h"

#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "proof/leaf.h"

#define MAX_KEYS 64

struct key {
	char subject[64];
	struct hmac_key halves;
};

struct recount_job {
	struct store_job job;
	struct uuid team;
	struct recount *out;
	struct key keys[MAX_KEYS];
	size_t key_count;
	int64_t tree;
	struct merkle_range range;
	struct merkle_range tile;
	struct merkle_range stored;
};

static const struct db_query read_keys = {
	.sql = "SELECT subject, key FROM audit_salts WHERE team_id = $1",
};
static const struct db_query read_tree = {
	.sql = "SELECT tree, size, frontier, outside FROM audit_trees WHERE team_id = $1",
};
static const struct db_query read_rows = {
	.sql = "SELECT l.hash, l.idx, a.id, a.actor_type, a.actor_id, a.actor_name, "
	       "a.resource_type, a.resource_id, a.action, a.scope, a.status, a.metadata, "
	       "a.created_at, t.hash FROM audit_leaf l LEFT JOIN audit_logs a "
	       "ON a.id = l.audit_id LEFT JOIN audit_tiles t ON t.tree = l.tree AND "
	       "256 * t.n + 255 = l.idx WHERE l.tree = $1 ORDER BY l.idx",
};

static int on_key(const struct db_row *row, void *arg)
{
	struct recount_job *job = arg;
	struct key *key = &job->keys[job->key_count++];

	cr_assert_leq(job->key_count, MAX_KEYS);
	snprintf(key->subject, sizeof(key->subject), "%.*s", STR_ARGS(row_text(row, 0)));
	crypto_hmac_key(row_blob(row, 1), &key->halves);
	return 0;
}

static int on_tree(const struct db_row *row, void *arg)
{
	struct recount_job *job = arg;

	job->tree = row_int(row, 0);
	job->out->size = row_int(row, 1);
	job->out->outside = row_int(row, 3);
	return merkle_restore(&job->stored, (uint64_t)job->out->size, row_blob(row, 2));
}

static const struct hmac_key *find_key(void *owner, struct str subject)
{
	const struct recount_job *job = owner;

	for (size_t i = 0; i < job->key_count; i++) {
		if (str_is(subject, job->keys[i].subject))
			return &job->keys[i].halves;
	}
	return NULL;
}

static void hash_row(struct recount_job *job, const struct db_row *row, struct merkle_hash *out)
{
	struct uuid id = row_uuid(row, 2);
	char team[ID_TEXT_SIZE];
	char id_text[ID_TEXT_SIZE];
	char time[RFC3339_TEXT_SIZE];
	cJSON *metadata = NULL;
	struct buf data;

	id_format(ID_TEAM, &job->team, team);
	id_format(ID_AUDIT, &id, id_text);
	rfc3339_format(row_time(row, 12), 6, time);
	cr_assert_eq(json_parse(row_text(row, 11), 65536, &metadata, NULL), 0);

	const struct leaf_row leaf = {
		.team_id = str_of(team),
		.id = str_of(id_text),
		.created_at = str_of(time),
		.actor_type = row_text(row, 3),
		.actor_id = row_text(row, 4),
		.actor_name = row_text(row, 5),
		.resource_type = row_text(row, 6),
		.resource_id = row_text(row, 7),
		.action = row_text(row, 8),
		.scope = row_text(row, 9),
		.status = row_text(row, 10),
		.metadata = metadata,
	};

	buf_init(&data, LEAF_MAX_BYTES);
	cr_assert_eq(leaf_hash(&leaf, find_key, job, &data, out), 0);
	buf_done(&data);
	cJSON_Delete(metadata);
}

static void check_tile(struct recount_job *job, struct str tile)
{
	struct merkle_hash root;

	merkle_root(&job->tile, &root);
	job->out->tiles += tile.len == sizeof(root.bytes) &&
			   memcmp(tile.at, root.bytes, sizeof(root.bytes)) == 0;
	merkle_init(&job->tile);
}

static int on_row(const struct db_row *row, void *arg)
{
	struct recount_job *job = arg;
	struct str stored = row_blob(row, 0);
	struct merkle_hash hash;

	cr_assert_eq(row_int(row, 1), job->out->leaves++);
	if (row_is_null(row, 2)) {
		job->out->missing++;
		return 0;
	}
	hash_row(job, row, &hash);
	job->out->wrong += stored.len != sizeof(hash.bytes) ||
			   memcmp(stored.at, hash.bytes, sizeof(hash.bytes)) != 0;
	merkle_append(&job->range, &hash);
	merkle_append(&job->tile, &hash);
	if (job->tile.size == 256)
		check_tile(job, row_blob(row, 13));
	return 0;
}

static int run_recount(struct db *db, struct store_job *store_job)
{
	struct recount_job *job = container_of(store_job, struct recount_job, job);
	const struct db_value team = db_uuid(&job->team);
	struct db_value tree;
	int rc = db_run_now(db, &read_keys, &team, 1, on_key, job, NULL);

	if (rc == 0)
		rc = db_run_now(db, &read_tree, &team, 1, on_tree, job, NULL);
	tree = db_int(job->tree);
	return rc < 0 ? rc : db_run_now(db, &read_rows, &tree, 1, on_row, job, NULL);
}

void recount_tree(struct rig *rig, const char *team, struct recount *out)
{
	struct recount_job job = { .job.run = run_recount, .out = out };
	struct reason why = { .text = "" };
	struct merkle_hash stored;

	*out = (struct recount){ .size = 0 };
	cr_assert_eq(uuid_parse(str_of(team), &job.team), 0);
	cr_assert_eq(store_run_blocking(rig->database.url, &job.job, &why), 0, "%s", why.text);
	merkle_root(&job.range, &out->root);
	merkle_root(&job.stored, &stored);
	out->is_same_root = merkle_eq(&out->root, &stored);
}

void expect_sound_tree(struct rig *rig, const char *team, int64_t size)
{
	struct recount found;

	recount_tree(rig, team, &found);
	cr_expect_eq(found.size, size, "%lld leaves", (long long)found.size);
	cr_expect_eq(found.leaves, size);
	cr_expect_eq(found.missing, 0);
	cr_expect_eq(found.wrong, 0);
	cr_expect_eq(found.tiles, size / 256);
	cr_expect(found.is_same_root);
}
