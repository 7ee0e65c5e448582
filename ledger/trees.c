/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A frontier is at most 2 KB, so each transaction reads it again and nothing is kept in memory
 * that could differ from the store. The leaves of one tree are one statement.
 *
 * No insert may meet an existing row: the store would refuse the events and they would become dead
 * letters, when really somebody has changed our tables. So reading a tree looks for leaves past its
 * end; a tree that has some is damaged. "Do nothing on conflict" would cost PostgreSQL a third of
 * the insert.
 */
#include "ledger/trees.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/id.h"
#include "core/log.h"
#include "core/uuid.h"
#include "ledger/leaf_rows.h"

#define MINUTE_MS 60000

#define TREE_AND_END                                                \
	"SELECT t.tree, t.size, t.frontier, " AUDIT_LEAVES_PAST_END \
	" FROM audit_trees t WHERE t.team_id = $1"

static const struct db_query read_tree = {
	.sql = TREE_AND_END " FOR UPDATE OF t",
	.sqlite = TREE_AND_END,
};

static const struct db_query add_tree = {
	.sql = "INSERT INTO audit_trees (team_id) VALUES ($1) ON CONFLICT (team_id) DO NOTHING",
};

static const struct db_query store_tree = {
	.sql = "UPDATE audit_trees SET size = $2, frontier = $3, outside = outside + $4 "
	       "WHERE tree = $1",
};

static const struct db_query count_outside = {
	.sql = "UPDATE audit_trees SET outside = outside + $2 WHERE tree = $1",
};

static const struct db_query add_tile = {
	.sql = "INSERT INTO audit_tiles (tree, n, hash) VALUES ($1, $2, $3) "
	       "ON CONFLICT (tree, n) DO NOTHING",
};

int trees_init(struct trees *trees, size_t rows)
{
	*trees = (struct trees){ .count = 0 };
	return leaves_init(&trees->leaves, rows);
}

void trees_reset(struct trees *trees)
{
	leaves_reset(&trees->leaves);
	subjects_reset(&trees->subjects);
	trees->count = 0;
	trees->without_leaf = 0;
}

void trees_done(struct trees *trees)
{
	leaves_done(&trees->leaves);
	subjects_done(&trees->subjects);
	free(trees->all);
	trees->all = NULL;
}

/* ---- which trees --------------------------------------------------------------------------- */

/* From the newest, because the next row often belongs to the same team. */
static struct tree *find(const struct trees *trees, const struct uuid *team)
{
	for (size_t i = trees->count; i > 0; i--) {
		if (uuid_eq(&trees->all[i - 1].team, team))
			return &trees->all[i - 1];
	}
	return NULL;
}

/* NULL if out of memory. */
static struct tree *note_tree(struct trees *trees, const struct uuid *team)
{
	struct tree *tree = find(trees, team);

	if (tree)
		return tree;
	if (trees->count == trees->cap) {
		size_t cap = trees->cap ? 2 * trees->cap : 4;
		struct tree *more = realloc(trees->all, cap * sizeof(*more));

		if (!more)
			return NULL;
		trees->all = more;
		trees->cap = cap;
	}
	tree = &trees->all[trees->count++];
	tree->team = *team;
	tree->number = 0;
	tree->outside = 0;
	tree->was = 0;
	tree->new_count = 0;
	tree->is_damaged = false;
	merkle_init(&tree->range);
	return tree;
}

int trees_add(struct trees *trees, const struct audit_entry *entry, struct new_leaf **out)
{
	return leaves_add(&trees->leaves, entry, out);
}

int trees_leave_out(struct trees *trees, const struct uuid *team)
{
	struct tree *tree = note_tree(trees, team);

	if (!tree)
		return -ENOMEM;
	tree->outside++;
	return 0;
}

static int gather(struct trees *trees)
{
	int rc = 0;

	for (size_t i = 0; i < trees->leaves.count && rc == 0; i++) {
		const struct new_leaf *leaf = &trees->leaves.all[i];
		struct tree *tree = note_tree(trees, &leaf->team);

		if (!tree)
			return -ENOMEM;
		tree->new_count++;
		rc = subjects_gather(&trees->subjects, &leaf->team, &leaf->row);
	}
	return rc;
}

/* ---- reading ------------------------------------------------------------------------------- */

static int on_tree(const struct db_row *row, void *arg)
{
	struct tree *tree = arg;
	int64_t size = row_int(row, 1);

	tree->number = row_int(row, 0);
	tree->is_damaged = size < 0 || row_bool(row, 3) ||
			   merkle_restore(&tree->range, (uint64_t)size, row_blob(row, 2)) < 0;
	tree->was = tree->range.size;
	return 0;
}

static int read_missing(struct trees *trees, struct db *db)
{
	int rc = 0;

	for (size_t i = 0; i < trees->count && rc == 0; i++) {
		const struct db_value team = db_uuid(&trees->all[i].team);

		if (trees->all[i].number == 0)
			rc = db_run(db, &read_tree, &team, 1, on_tree, &trees->all[i], NULL);
	}
	return rc;
}

static bool has_missing(const struct trees *trees)
{
	for (size_t i = 0; i < trees->count; i++) {
		if (trees->all[i].number == 0)
			return true;
	}
	return false;
}

/* Trees of teams that are new to us. */
static int make_missing(struct trees *trees, struct db *db)
{
	int rc = 0;

	if (!has_missing(trees))
		return 0;
	for (size_t i = 0; i < trees->count && rc == 0; i++) {
		const struct db_value team = db_uuid(&trees->all[i].team);

		if (trees->all[i].number == 0)
			rc = db_run(db, &add_tree, &team, 1, NULL, NULL, NULL);
	}
	if (rc == 0)
		rc = read_missing(trees, db);
	if (rc == 0)
		rc = db_flush(db);
	return rc == 0 && has_missing(trees) ? -EIO : rc;
}

/* At most once a minute: the damage is found again in every batch. */
static void report_damage(const struct tree *tree)
{
	static _Atomic int64_t last_ms;
	int64_t now_ms = clock_mono_ms();
	int64_t before_ms = atomic_load(&last_ms);
	char team[ID_TEXT_SIZE];

	if ((before_ms && now_ms - before_ms < MINUTE_MS) ||
	    !atomic_compare_exchange_strong(&last_ms, &before_ms, now_ms))
		return;
	id_format(ID_TEAM, &tree->team, team);
	log_error("the tree of an audit log is damaged in table audit_trees, audit_leaves or "
		  "audit_salts, so new rows get no leaves; put a backup back",
		  log_str("team", team), log_int("tree", tree->number));
}

static void find_damage(struct trees *trees)
{
	for (size_t i = 0; i < trees->count; i++) {
		struct tree *tree = &trees->all[i];

		if (subjects_are_damaged(&trees->subjects, &tree->team))
			tree->is_damaged = true;
		if (tree->is_damaged)
			report_damage(tree);
	}
}

static int read_all(struct trees *trees, struct db *db)
{
	int rc = read_missing(trees, db);

	if (rc == 0)
		rc = subjects_read(&trees->subjects, db);
	if (rc == 0)
		rc = db_flush(db);
	if (rc == 0)
		rc = make_missing(trees, db);
	if (rc == 0)
		rc = subjects_make_missing(&trees->subjects, db);
	if (rc == 0)
		find_damage(trees);
	return rc;
}

/* ---- writing ------------------------------------------------------------------------------- */

static struct str hash_str(const struct merkle_hash *hash)
{
	return (struct str){ .at = (const char *)hash->bytes, .len = sizeof(hash->bytes) };
}

/* The rows that one statement inserts. */
struct addition {
	struct trees *trees;
	struct db *db;
	struct tree *tree;
	size_t count;
	struct uuid *ids;
	struct merkle_hash *hashes;
	struct buf data; /* of the leaf that is hashed */
};

struct key_owner {
	const struct subjects *subjects;
	const struct uuid *team;
};

static const struct hmac_key *find_key(void *owner, struct str subject)
{
	const struct key_owner *who = owner;

	return subjects_key(who->subjects, who->team, subject);
}

static int write_tile(struct addition *addition, const struct merkle_hash *leaf)
{
	const struct merkle_range *range = &addition->tree->range;
	uint64_t size = range->size & (TILE_LEAVES - 1);
	unsigned above = merkle_count(range->size) - merkle_count(size);
	struct merkle_range tile = { .size = size };

	memcpy(tile.hashes, range->hashes + above, merkle_count(size) * sizeof(tile.hashes[0]));
	merkle_append(&tile, leaf);

	const struct db_value values[] = {
		db_int(addition->tree->number),
		db_int((int64_t)(range->size >> TILE_LEVEL)),
		db_blob(hash_str(&tile.hashes[0])),
	};

	return db_run(addition->db, &add_tile, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

static int append(struct addition *addition, const struct new_leaf *leaf)
{
	struct key_owner owner = { .subjects = &addition->trees->subjects, .team = &leaf->team };
	struct merkle_hash *hash = &addition->hashes[addition->count];
	struct merkle_range *range = &addition->tree->range;
	int rc = leaf_hash(&leaf->row, find_key, &owner, &addition->data, hash);

	if (rc < 0)
		return rc;
	addition->ids[addition->count++] = leaf->id;
	if ((range->size & (TILE_LEAVES - 1)) == TILE_LEAVES - 1)
		rc = write_tile(addition, hash);
	merkle_append(range, hash);
	return rc;
}

static int write_leaves(const struct addition *addition)
{
	return leaf_rows_insert(addition->db, addition->tree->number, addition->tree->was,
				addition->ids, addition->hashes, addition->count);
}

static int write_frontier(const struct tree *tree, struct db *db)
{
	struct buf frontier;
	int rc;

	buf_init(&frontier, sizeof(tree->range.hashes));
	merkle_save(&frontier, &tree->range);

	const struct db_value values[] = {
		db_int(tree->number),
		db_int((int64_t)tree->range.size),
		db_blob(buf_str(&frontier)),
		db_int(tree->outside),
	};

	rc = frontier.err ? frontier.err
			  : db_run(db, &store_tree, values, ARRAY_LEN(values), NULL, NULL, NULL);
	buf_done(&frontier);
	return rc;
}

static int write_tree(struct addition *addition)
{
	const struct leaves *leaves = &addition->trees->leaves;
	struct tree *tree = addition->tree;
	int rc = 0;

	addition->count = 0;
	for (size_t i = 0; addition->count < tree->new_count && rc == 0; i++) {
		if (uuid_eq(&leaves->all[i].team, &tree->team))
			rc = append(addition, &leaves->all[i]);
	}
	if (rc == 0 && addition->count > 0)
		rc = write_leaves(addition);
	return rc < 0 ? rc : write_frontier(tree, addition->db);
}

/* Size and frontier stay unchanged, so that a verifier finds the damage. */
static int write_outside(struct trees *trees, const struct tree *tree, struct db *db)
{
	int64_t without_leaf = trees->leaves_can_wait ? 0 : (int64_t)tree->new_count;
	const struct db_value values[] = { db_int(tree->number),
					   db_int(tree->outside + without_leaf) };

	trees->without_leaf += without_leaf;
	return db_run(db, &count_outside, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

static int write_all(struct trees *trees, struct db *db)
{
	size_t most = trees->leaves.count + 1;
	struct addition addition = {
		.trees = trees,
		.db = db,
		.ids = calloc(most, sizeof(*addition.ids)),
		.hashes = calloc(most, sizeof(*addition.hashes)),
	};
	int rc = addition.ids && addition.hashes ? 0 : -ENOMEM;

	buf_init(&addition.data, LEAF_MAX_BYTES);
	for (size_t i = 0; i < trees->count && rc == 0; i++) {
		addition.tree = &trees->all[i];
		rc = addition.tree->is_damaged ? write_outside(trees, addition.tree, db)
					       : write_tree(&addition);
	}
	buf_done(&addition.data);
	free(addition.ids);
	free(addition.hashes);
	return rc;
}

bool trees_is_damaged(const struct trees *trees, const struct uuid *team)
{
	const struct tree *tree = find(trees, team);

	return tree && tree->is_damaged;
}

int trees_write(struct trees *trees, struct db *db)
{
	int rc;

	if (trees->leaves.count == 0 && trees->count == 0)
		return 0;
	rc = db_flush(db);
	if (rc < 0)
		return rc;
	leaves_keep_new(&trees->leaves);
	rc = gather(trees);
	if (rc == 0 && trees->count > 0)
		rc = read_all(trees, db);
	return rc < 0 || trees->count == 0 ? rc : write_all(trees, db);
}
