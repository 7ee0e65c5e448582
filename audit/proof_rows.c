/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The leaf decides which row belongs to it. A row that was moved to another team counts as gone.
 * Other programs may change rows, so every text has a limit; a longer text cannot match the hash.
 */
#include "audit/proof_rows.h"

#include <errno.h>
#include <stdlib.h>

#include "audit/page.h"
#include "core/json.h"
#include "core/log.h"
#include "core/utf8.h"
#include "proof/shown_row.h"

#define MAX_TEXT     4096
#define MAX_METADATA 65536
#define MAX_BYTES    (512ul * 1024) /* of text in one read */
#define TEXTS        8
#define MAX_LINE     (1024ul * 1024)

static const struct db_query read_leaves = {
	.sql = "SELECT l.idx, l.hash, l.audit_id, a.id, a.actor_type, a.actor_id, a.actor_name, "
	       "a.resource_type, a.resource_id, a.action, a.scope, a.status, a.metadata, "
	       "a.created_at FROM audit_leaf l "
	       "LEFT JOIN audit_logs a ON a.id = l.audit_id AND a.team_id = $2 "
	       "WHERE l.tree = $1 AND l.row_idx >= $3 / 32 * 32 AND l.row_idx < $4 "
	       "AND l.idx >= $3 AND l.idx < $4 ORDER BY l.idx LIMIT $5",
};

static const struct db_query read_erased = {
	.sql = "SELECT idx, field, commitment FROM audit_erased "
	       "WHERE tree = $1 AND idx >= $2 AND idx < $3 ORDER BY idx, field",
};

static int report_damage(const struct proof_rows *rows, const char *table)
{
	log_error("the tree of an audit log is damaged; put a backup back",
		  log_int("tree", rows->tree), log_str("table", table));
	return -EIO;
}

static bool read_hash(struct str blob, struct merkle_hash *out)
{
	if (blob.len != sizeof(out->bytes))
		return false;
	memcpy(out->bytes, blob.at, blob.len);
	return true;
}

/* ---- leaves -------------------------------------------------------------------------------- */

static struct str keep(struct proof_row *row, size_t *used, struct str text)
{
	char *copy = row->text + *used;
	struct str cut = utf8_cut(text, MAX_TEXT);

	if (cut.len)
		memcpy(copy, cut.at, cut.len);
	*used += cut.len;
	return (struct str){ .at = copy, .len = cut.len };
}

/* Columns 4 to 11 are the texts of the row, in this order. */
static int keep_texts(struct proof_row *row, const struct db_row *columns)
{
	struct str *const texts[TEXTS] = {
		&row->row.actor_type,    &row->row.actor_id,    &row->row.actor_name,
		&row->row.resource_type, &row->row.resource_id, &row->row.action,
		&row->row.scope,         &row->row.status,
	};
	size_t len = 1;
	size_t used = 0;

	for (int i = 0; i < TEXTS; i++)
		len += utf8_cut(row_text(columns, 4 + i), MAX_TEXT).len;
	row->text = malloc(len);
	if (!row->text)
		return -ENOMEM;
	for (int i = 0; i < TEXTS; i++)
		*texts[i] = keep(row, &used, row_text(columns, 4 + i));
	return (int)used;
}

static int keep_row(struct proof_rows *rows, struct proof_row *row, const struct db_row *columns)
{
	struct str metadata = page_metadata(row_text(columns, 12));
	int used = keep_texts(row, columns);

	if (used < 0)
		return used;
	rows->bytes += (size_t)used + metadata.len;
	rfc3339_format(row_time(columns, 13), 6, row->created_text);
	row->row.team_id = rows->team_text;
	row->row.id = str_of(row->id_text);
	row->row.created_at = str_of(row->created_text);
	if (metadata.len && json_parse_foreign(metadata, MAX_METADATA, &row->metadata, NULL) < 0)
		return -ENOMEM;
	row->row.metadata = row->metadata;
	return 0;
}

static int on_leaf(const struct db_row *columns, void *arg)
{
	struct proof_rows *rows = arg;
	struct proof_row *row = &rows->all[rows->count];

	if (rows->count > 0 && rows->bytes > MAX_BYTES)
		return 0; /* the next read has it */
	*row = (struct proof_row){ .index = (uint64_t)row_int(columns, 0),
				   .id = row_uuid(columns, 2),
				   .is_missing = row_is_null(columns, 3) };
	if (row->index != rows->next || !read_hash(row_blob(columns, 1), &row->hash))
		return report_damage(rows, "audit_leaves");
	rows->next++;
	rows->count++;
	id_format(ID_AUDIT, &row->id, row->id_text);
	return row->is_missing ? 0 : keep_row(rows, row, columns);
}

/* ---- what was erased ----------------------------------------------------------------------- */

static bool make_room(struct proof_rows *rows)
{
	size_t cap = rows->erased_cap ? 2 * rows->erased_cap : 16;
	struct proof_erased *more;

	if (rows->erased_count < rows->erased_cap)
		return true;
	more = realloc(rows->erased, cap * sizeof(*more));
	if (!more)
		return false;
	rows->erased = more;
	rows->erased_cap = cap;
	return true;
}

static int on_erased(const struct db_row *columns, void *arg)
{
	struct proof_rows *rows = arg;
	struct proof_erased erased = { .index = (uint64_t)row_int(columns, 0) };
	struct str field = row_text(columns, 1);

	if (!read_hash(row_blob(columns, 2), &erased.commitment))
		return report_damage(rows, "audit_erased");
	if (!make_room(rows))
		return -ENOMEM;
	erased.field = strndup(field.at, field.len);
	if (!erased.field)
		return -ENOMEM;
	rows->erased[rows->erased_count++] = erased;
	return 0;
}

static const struct proof_erased *find_erased(const struct proof_rows *rows, uint64_t index,
					      struct str field)
{
	for (size_t i = 0; i < rows->erased_count; i++) {
		const struct proof_erased *erased = &rows->erased[i];

		if (erased->index == index && str_is(field, erased->field))
			return erased;
	}
	return NULL;
}

/* ---- one read ------------------------------------------------------------------------------ */

static int read_belongings(struct proof_rows *rows, struct db *db, uint64_t from)
{
	const struct db_value values[] = { db_int(rows->tree), db_int((int64_t)from),
					   db_int((int64_t)rows->next) };
	int rc = db_run_now(db, &read_erased, values, ARRAY_LEN(values), on_erased, rows, NULL);

	for (size_t i = 0; i < rows->count && rc == 0; i++) {
		if (!rows->all[i].is_missing)
			rc = subjects_gather(&rows->subjects, &rows->team, &rows->all[i].row);
	}
	if (rc == 0)
		rc = subjects_read(&rows->subjects, db);
	return rc < 0 ? rc : db_flush(db);
}

int proof_rows_read(struct proof_rows *rows, struct db *db, uint64_t from, uint64_t to)
{
	uint64_t end = from + PROOF_ROWS < to ? from + PROOF_ROWS : to;
	const struct db_value values[] = { db_int(rows->tree), db_uuid(&rows->team),
					   db_int((int64_t)from), db_int((int64_t)end),
					   db_int(PROOF_ROWS) };
	int rc;

	proof_rows_reset(rows);
	rows->next = from;
	rc = db_run_now(db, &read_leaves, values, ARRAY_LEN(values), on_leaf, rows, NULL);
	if (rc == 0 && rows->count == 0)
		rc = report_damage(rows, "audit_leaves");
	return rc < 0 ? rc : read_belongings(rows, db, from);
}

void proof_rows_reset(struct proof_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->all[i].text);
		cJSON_Delete(rows->all[i].metadata);
	}
	for (size_t i = 0; i < rows->erased_count; i++)
		free(rows->erased[i].field);
	rows->count = 0;
	rows->bytes = 0;
	rows->erased_count = 0;
	subjects_reset(&rows->subjects);
}

void proof_rows_done(struct proof_rows *rows)
{
	proof_rows_reset(rows);
	free(rows->erased);
	rows->erased = NULL;
	rows->erased_cap = 0;
	subjects_done(&rows->subjects);
}

/* ---- the line ------------------------------------------------------------------------------ */

static void add_hex(struct buf *out, const char *name, const uint8_t bytes[SHA256_SIZE])
{
	char hex[SHA256_HEX_SIZE];

	hex_encode(bytes, SHA256_SIZE, hex);
	json_add_member(out, name, str_of(hex));
}

static void add_unless_empty(struct buf *out, const char *name, struct str value)
{
	if (value.len)
		json_add_member(out, name, value);
}

/* The text that replaces an erased value proves nothing. */
static void add_unless_erased(struct buf *out, const struct proof_rows *rows,
			      const struct proof_row *row, const char *name, struct str value)
{
	if (!find_erased(rows, row->index, str_of(name)))
		add_unless_empty(out, name, value);
}

static void add_columns(struct buf *out, const struct proof_rows *rows, const struct proof_row *of)
{
	const struct leaf_row *row = &of->row;

	json_add_name(out, "row");
	buf_add_char(out, '{');
	json_add_member(out, "id", row->id);
	json_add_member(out, "created_at", row->created_at);
	add_unless_empty(out, "actor_type", row->actor_type);
	add_unless_erased(out, rows, of, "actor_id", row->actor_id);
	add_unless_erased(out, rows, of, "actor_name", row->actor_name);
	add_unless_empty(out, "resource_type", row->resource_type);
	add_unless_erased(out, rows, of, "resource_id", row->resource_id);
	add_unless_empty(out, "action", row->action);
	add_unless_empty(out, "scope", row->scope);
	add_unless_empty(out, "status", row->status);
	if (row->metadata && row->metadata->child) {
		json_add_name(out, "metadata");
		json_add_value(out, row->metadata);
	}
	buf_add_char(out, '}');
}

struct salting {
	struct buf *out;
	const struct proof_rows *rows;
	const struct proof_row *row;
	bool has_salts;
};

/* Without the key there is no salt, and the row cannot match its leaf. */
static int add_salt(void *owner, const struct leaf_field *field, struct str subject)
{
	struct salting *salting = owner;
	const struct hmac_key *key =
		subjects_key(&salting->rows->subjects, &salting->rows->team, subject);
	uint8_t salt[LEAF_SALT_SIZE];
	char path[LEAF_MAX_PATH + 1];

	if (!key || find_erased(salting->rows, salting->row->index, field->path))
		return 0;
	if (!salting->has_salts) {
		json_add_name(salting->out, "salts");
		buf_add_char(salting->out, '{');
	}
	salting->has_salts = true;
	memcpy(path, field->path.at, field->path.len);
	path[field->path.len] = '\0';
	leaf_salt(key, salting->row->row.id, field->path, salt);
	add_hex(salting->out, path, salt);
	return 0;
}

static int add_salts(struct buf *out, const struct proof_rows *rows, const struct proof_row *row)
{
	struct salting salting = { .out = out, .rows = rows, .row = row };
	int rc = leaf_each_personal(&row->row, add_salt, &salting);

	if (salting.has_salts)
		buf_add_char(out, '}');
	return rc;
}

static void add_commitments(struct buf *out, const struct proof_rows *rows,
			    const struct proof_row *row)
{
	bool has_any = false;

	for (size_t i = 0; i < rows->erased_count; i++) {
		if (rows->erased[i].index != row->index)
			continue;
		if (!has_any) {
			json_add_name(out, "commitments");
			buf_add_char(out, '{');
		}
		has_any = true;
		add_hex(out, rows->erased[i].field, rows->erased[i].commitment.bytes);
	}
	if (has_any)
		buf_add_char(out, '}');
}

void proof_row_add(struct buf *out, const struct proof_rows *rows, const struct proof_row *row)
{
	int rc = 0;

	buf_add_char(out, '{');
	json_add_member(out, "type", row->is_missing ? STR("missing") : STR("row"));
	json_add_name(out, "index");
	buf_add_u64(out, row->index);
	add_hex(out, "hash", row->hash.bytes);
	if (row->is_missing) {
		json_add_member(out, "id", str_of(row->id_text));
	} else {
		add_columns(out, rows, row);
		rc = add_salts(out, rows, row);
		add_commitments(out, rows, row);
	}
	buf_add_text(out, "}\n");
	if (rc < 0 && !out->err)
		out->err = rc;
}

int proof_row_check(const struct proof_rows *rows, struct proof_row *row)
{
	cJSON *json = NULL;
	struct shown_row shown;
	struct buf line;
	int rc;

	buf_init(&line, MAX_LINE);
	proof_row_add(&line, rows, row);
	rc = line.err ? line.err : json_parse(buf_str(&line), MAX_LINE, &json, NULL);
	if (rc == 0)
		rc = shown_row_read(json, rows->team_text, &shown, NULL);
	row->is_missing = rc == -EINVAL || (rc == 0 && !merkle_eq(&shown.hash, &shown.stored));
	cJSON_Delete(json);
	buf_done(&line);
	return rc == -EINVAL ? 0 : rc;
}
