/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rows before the first one are covered by tiles, each the root of 256 leaves, so that an export
 * that goes on from row n reads n / 256 of them. Rows that a filter leaves out are covered by their
 * leaves. A cover ends at the size of each checkpoint, so that a verifier can compare there. This
 * holds for dropped rows, too (docs/notes/audit-keeping.md).
 */
#include "audit/proof_page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/json.h"
#include "core/log.h"

#define TILES     "4000"       /* of one read */
#define MAX_LINES (512 * 1024) /* bytes after which a page ends */
#define MAX_READS 8            /* reads after which a page ends */

static const struct db_query read_tree = {
	.sql = "SELECT first FROM audit_trees WHERE tree = $1",
};

static const struct db_query read_tiles = {
	.sql = "SELECT n, hash FROM audit_tiles WHERE tree = $1 AND n >= $2 AND n < $3 "
	       "ORDER BY n LIMIT " TILES,
};

static const struct db_query read_hashes = {
	.sql = "SELECT idx, hash FROM audit_leaf WHERE tree = $1 AND row_idx >= $2 / 32 * 32 "
	       "AND row_idx < $3 AND idx >= $2 AND idx < $3 ORDER BY idx",
};

static const struct db_query read_split = {
	.sql = "SELECT size FROM audit_checkpoints WHERE tree = $1 AND size > $2 AND size < $3 "
	       "ORDER BY size LIMIT 1",
};

static const struct db_query read_splits = {
	.sql = "SELECT size FROM audit_checkpoints WHERE tree = $1 AND size > $2 AND size <= $3 "
	       "ORDER BY size",
};

int proof_page_init(struct proof_page *proof)
{
	id_format(ID_TEAM, &proof->page->team, proof->team_text);
	proof->rows.tree = proof->tree;
	proof->rows.team = proof->page->team;
	proof->rows.team_text = str_of(proof->team_text);
	cover_init(&proof->place.cover, 0);
	proof->splits = calloc(PROOF_ROWS, sizeof(*proof->splits));
	return proof->splits ? 0 : -ENOMEM;
}

void proof_page_done(struct proof_page *proof)
{
	proof_rows_done(&proof->rows);
	free(proof->splits);
	proof->splits = NULL;
}

void proof_page_advance(struct proof_page *proof)
{
	proof->place = proof->end;
}

/* ---- lines --------------------------------------------------------------------------------- */

static void add_number(struct buf *out, const char *name, uint64_t number)
{
	json_add_name(out, name);
	buf_add_u64(out, number);
}

static void add_words(struct buf *out, const char *name, const struct page_filter *filter)
{
	if (filter->count == 0)
		return;
	json_add_name(out, name);
	buf_add_char(out, '[');
	for (size_t i = 0; i < filter->count; i++) {
		buf_add_text(out, i > 0 ? "," : "");
		json_add_string(out, filter->values[i]);
	}
	buf_add_char(out, ']');
}

static void add_header(struct proof_page *proof)
{
	const struct page *page = proof->page;
	struct buf *out = &proof->page->json;

	buf_add_text(out, "{\"type\":\"header\",\"format\":\"wrenn-audit/1\"");
	json_add_member(out, "team_id", str_of(proof->team_text));
	json_add_member(out, "origin", str_of(proof->origin));
	add_number(out, "size", proof->size);
	if (proof->first > 0)
		add_number(out, "first", proof->first);
	if (proof->from > 0)
		add_number(out, "from", proof->from);
	json_add_name(out, "filters");
	buf_add_char(out, '{');
	add_words(out, "resource_type", &page->query.resource_types);
	add_words(out, "action", &page->query.actions);
	if (!page->with_admin_rows) {
		json_add_name(out, "scope");
		buf_add_text(out, "[\"team\"]");
	}
	buf_add_text(out, "}}\n");
}

static void end_cover(struct proof_page *proof)
{
	struct buf *out = &proof->page->json;
	struct cover *cover = &proof->end.cover;

	if (cover->count > 0) {
		buf_add_text(out, "{\"type\":\"skip\"");
		add_number(out, "from", cover->from);
		add_number(out, "to", cover->to);
		buf_add_text(out, ",\"hashes\":[");
		for (unsigned i = 0; i < cover->count; i++) {
			char hex[SHA256_HEX_SIZE];

			hex_encode(cover->hashes[i].bytes, SHA256_SIZE, hex);
			buf_addf(out, "%s\"%s\"", i > 0 ? "," : "", hex);
		}
		buf_add_text(out, "]}\n");
	}
	cover_init(cover, proof->end.at);
}

static void add_checkpoint(struct proof_page *proof)
{
	struct buf *out = &proof->page->json;

	buf_add_text(out, "{\"type\":\"checkpoint\"");
	json_add_member(out, "note", str_of(proof->note));
	buf_add_text(out, "}\n");
}

/* ---- before the first row ------------------------------------------------------------------ */

static int on_number(const struct db_row *row, void *arg)
{
	*(uint64_t *)arg = (uint64_t)row_int(row, 0);
	return 0;
}

static int find_start(struct proof_page *proof, struct db *db)
{
	const struct db_value value = db_int(proof->tree);
	struct proof_place *end = &proof->end;
	int rc = db_run_now(db, &read_tree, &value, 1, on_number, &proof->first, NULL);

	end->start = proof->from > proof->first ? proof->from : proof->first;
	if (end->start > proof->size)
		end->start = proof->size;
	end->has_tree = true;
	return rc;
}

/* Rows that were dropped by age meanwhile must not look as if somebody had removed them. */
static int expect_kept(const struct proof_page *proof, struct db *db, uint64_t from)
{
	const struct db_value value = db_int(proof->tree);
	uint64_t first = 0;
	int rc = db_run_now(db, &read_tree, &value, 1, on_number, &first, NULL);

	return rc == 0 && first != proof->first && first > from ? -ESTALE : rc;
}

struct covering {
	struct proof_page *proof;
	unsigned level;
};

static int on_hash(const struct db_row *row, void *arg)
{
	const struct covering *covering = arg;
	struct proof_page *proof = covering->proof;
	struct proof_place *end = &proof->end;
	struct str blob = row_blob(row, 1);
	struct merkle_hash hash;

	if ((uint64_t)row_int(row, 0) << covering->level != end->at ||
	    blob.len != sizeof(hash.bytes)) {
		log_error("the tree of an audit log is damaged; put a backup back",
			  log_int("tree", proof->tree),
			  log_str("table", covering->level ? "audit_tiles" : "audit_leaves"));
		return -EIO;
	}
	memcpy(hash.bytes, blob.at, sizeof(hash.bytes));
	cover_append(&end->cover, covering->level, &hash);
	end->at += UINT64_C(1) << covering->level;
	return 0;
}

/* Where the cover must end. */
static int find_stop(const struct proof_page *proof, struct db *db, uint64_t *stop)
{
	const struct db_value values[] = { db_int(proof->tree), db_int((int64_t)proof->end.at),
					   db_int((int64_t)proof->first) };

	*stop = proof->end.start;
	if (proof->is_archive || proof->end.at >= proof->first)
		return 0;
	return db_run_now(db, &read_split, values, ARRAY_LEN(values), on_number, stop, NULL);
}

static int cover_to(struct proof_page *proof, struct db *db, uint64_t stop)
{
	struct proof_place *end = &proof->end;
	uint64_t tile_end = (end->at | (TILE_LEAVES - 1)) + 1;
	bool by_tile = end->at % TILE_LEAVES == 0 && stop >= tile_end;
	struct covering covering = { .proof = proof, .level = by_tile ? TILE_LEVEL : 0 };
	uint64_t to = by_tile || stop < tile_end ? stop : tile_end;
	uint64_t was = end->at;
	const struct db_value values[] = { db_int(proof->tree),
					   db_int((int64_t)(end->at >> covering.level)),
					   db_int((int64_t)(to >> covering.level)) };
	int rc = db_run_now(db, by_tile ? &read_tiles : &read_hashes, values, ARRAY_LEN(values),
			    on_hash, &covering, NULL);

	if (rc == 0 && end->at == was)
		rc = -EIO; /* neither a tile nor a leaf is left to cover with */
	if (rc == 0 && end->at == stop)
		end_cover(proof);
	return rc;
}

static int cover_start(struct proof_page *proof, struct db *db)
{
	uint64_t stop = proof->end.start;
	int rc = expect_kept(proof, db, proof->end.at);

	if (rc == 0)
		rc = find_stop(proof, db, &stop);
	return rc < 0 ? rc : cover_to(proof, db, stop);
}

/* ---- rows ---------------------------------------------------------------------------------- */

static bool is_among(const struct page_filter *filter, struct str word)
{
	for (size_t i = 0; i < filter->count; i++) {
		if (str_eq(filter->values[i], word))
			return true;
	}
	return filter->count == 0;
}

static bool is_selected(const struct page *page, const struct proof_row *row)
{
	struct str scope = row->row.scope;

	return (str_is(scope, "team") || (page->with_admin_rows && str_is(scope, "admin"))) &&
	       is_among(&page->query.resource_types, row->row.resource_type) &&
	       is_among(&page->query.actions, row->row.action);
}

static int on_split(const struct db_row *row, void *arg)
{
	struct proof_page *proof = arg;

	if (proof->split_count < PROOF_ROWS)
		proof->splits[proof->split_count++] = (uint64_t)row_int(row, 0);
	return 0;
}

static int find_splits(struct proof_page *proof, struct db *db)
{
	const struct db_value values[] = { db_int(proof->tree), db_int((int64_t)proof->end.at),
					   db_int((int64_t)proof->rows.next) };

	proof->split_count = 0;
	return db_run_now(db, &read_splits, values, ARRAY_LEN(values), on_split, proof, NULL);
}

static bool is_split(const struct proof_page *proof, uint64_t size)
{
	for (size_t i = 0; i < proof->split_count; i++) {
		if (proof->splits[i] == size)
			return true;
	}
	return false;
}

static void show_row(struct proof_page *proof, const struct proof_row *row)
{
	struct proof_place *end = &proof->end;

	end_cover(proof);
	proof_row_add(&proof->page->json, &proof->rows, row);
	end->at++;
	cover_init(&end->cover, end->at);
}

static void leave_out_row(struct proof_page *proof, const struct proof_row *row)
{
	struct proof_place *end = &proof->end;

	cover_append(&end->cover, 0, &row->hash);
	end->at++;
	if (is_split(proof, end->at))
		end_cover(proof);
}

/* It is unknown whether a filter would show a row that is gone or was changed, so every export
 * reports it. */
static int add_row(struct proof_page *proof, struct proof_row *row)
{
	bool is_left_out = !row->is_missing && !is_selected(proof->page, row);
	int rc = is_left_out ? proof_row_check(&proof->rows, row) : 0;

	if (rc < 0)
		return rc;
	if (is_left_out && !row->is_missing)
		leave_out_row(proof, row);
	else
		show_row(proof, row);
	return proof->page->json.err;
}

static int add_rows(struct proof_page *proof, struct db *db)
{
	uint64_t from = proof->end.at;
	int rc = expect_kept(proof, db, from);

	if (rc == 0)
		rc = proof_rows_read(&proof->rows, db, from, proof->size);
	if (rc == 0)
		rc = expect_kept(proof, db, from);
	if (rc == 0)
		rc = find_splits(proof, db);
	for (size_t i = 0; i < proof->rows.count && rc == 0; i++) {
		if (proof->page->json.len > MAX_LINES)
			break; /* read again for the next page */
		rc = add_row(proof, &proof->rows.all[i]);
	}
	proof_rows_reset(&proof->rows);
	return rc;
}

/* ---- pages --------------------------------------------------------------------------------- */

static int step(struct proof_page *proof, struct db *db)
{
	struct proof_place *end = &proof->end;

	if (!end->has_tree)
		return find_start(proof, db);
	if (!end->has_header) {
		add_header(proof);
		end->has_header = true;
		return 0;
	}
	return end->at < end->start ? cover_start(proof, db) : add_rows(proof, db);
}

static bool is_whole(const struct proof_place *place, uint64_t size)
{
	return place->has_header && place->at == size;
}

int proof_page_read(struct db *db, struct proof_page *proof)
{
	struct page *page = proof->page;
	int rc = 0;

	proof->end = proof->place;
	buf_reset(&page->json);
	buf_add_text(&page->json, page->begin);
	for (int i = 0; i < MAX_READS && rc == 0 && !is_whole(&proof->end, proof->size); i++) {
		if (page->json.len > MAX_LINES)
			break;
		rc = step(proof, db);
	}
	page->has_more = !is_whole(&proof->end, proof->size);
	if (rc == 0 && !page->has_more) {
		end_cover(proof);
		add_checkpoint(proof);
	}
	return rc < 0 ? rc : page->json.err;
}
