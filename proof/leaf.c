/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One function walks over the values of a row in canonical order. One visitor of it writes the
 * leaf, another finds the values that are personal.
 */
#include "proof/leaf.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "core/id.h"
#include "proof/canonical.h"

#define METADATA "metadata."

/* In the order of RFC 8785. The metadata come between "id" and "resource_id". */
static const struct column {
	struct str name;
	struct str label; /* as written in the leaf's data */
	size_t offset;
} columns[] = {
#define COLUMN(column)                                                                   \
	{                                                                                \
		STR(#column), STR("\"" #column "\":"), offsetof(struct leaf_row, column) \
	}
	COLUMN(action),        COLUMN(actor_id), COLUMN(actor_name), COLUMN(actor_type),
	COLUMN(created_at),    COLUMN(id),       COLUMN(metadata),   COLUMN(resource_id),
	COLUMN(resource_type), COLUMN(scope),    COLUMN(status),     COLUMN(team_id),
#undef COLUMN
};

/* Members of the metadata that can name a person. */
static const struct str personal_members[] = { STR("email"), STR("error"), STR("name") };

/* ---- the rule ------------------------------------------------------------------------------ */

/* Checks only the form, because each row needs this several times. */
static bool is_user_id(struct str text)
{
	const struct str prefix = STR("usr-");

	if (text.len != prefix.len + ID_DIGITS || !str_starts(text, prefix))
		return false;
	for (size_t i = prefix.len; i < text.len; i++) {
		char c = text.at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')))
			return false;
	}
	return true;
}

static struct str member_name(const struct leaf_field *field)
{
	return str_from(field->path, sizeof(METADATA) - 1);
}

static bool is_personal_member(const struct leaf_field *field)
{
	struct str name = member_name(field);

	/* Such a value, if it were not committed, could look like a commitment. */
	if (cJSON_IsObject(field->json) || cJSON_IsArray(field->json))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(personal_members); i++) {
		if (str_eq(name, personal_members[i]))
			return true;
	}
	return false;
}

static bool is_personal(const struct leaf_row *row, const struct leaf_field *field)
{
	if (is_user_id(field->text))
		return true;
	if (field->json)
		return is_personal_member(field);
	return field->text.len > 0 && str_is(row->actor_type, "user") &&
	       (str_is(field->path, "actor_id") || str_is(field->path, "actor_name"));
}

static struct str subject_of(const struct leaf_row *row, const struct leaf_field *field)
{
	if (is_user_id(field->text))
		return field->text;
	return str_is(row->actor_type, "user") && is_user_id(row->actor_id) ? row->actor_id
									    : STR("");
}

/* ---- salts --------------------------------------------------------------------------------- */

void leaf_salt(const struct hmac_key *key, struct str row_id, struct str path,
	       uint8_t out[LEAF_SALT_SIZE])
{
	const struct str pieces[] = { row_id, STR("\0"), path };

	crypto_hmac_with(key, pieces, ARRAY_LEN(pieces), out);
}

static void add_value(struct buf *out, const struct leaf_field *field)
{
	if (field->json)
		canonical_add(out, field->json);
	else
		canonical_add_string(out, field->text);
}

/* The value is written at the end of `room` for a moment, which is cheaper than a separate
 * buffer. */
static int commit_in(struct buf *room, const uint8_t salt[LEAF_SALT_SIZE],
		     const struct leaf_field *field, uint8_t out[SHA256_SIZE])
{
	const struct str secret = { .at = (const char *)salt, .len = LEAF_SALT_SIZE };
	size_t before = room->len;

	add_value(room, field);
	if (room->err)
		return room->err;

	const struct str value = { .at = room->bytes + before, .len = room->len - before };

	crypto_hmac_sha256(secret, &value, 1, out);
	room->len = before;
	return 0;
}

int leaf_commit(const uint8_t salt[LEAF_SALT_SIZE], const struct leaf_field *field,
		uint8_t out[SHA256_SIZE])
{
	struct buf room;
	int rc;

	buf_init(&room, LEAF_MAX_BYTES);
	rc = commit_in(&room, salt, field, out);
	buf_done(&room);
	return rc;
}

/* ---- the walk ------------------------------------------------------------------------------ */

/* The label is empty for a member of the metadata. Returns 0 or a negative errno, which ends the
 * walk. Columns that are empty are visited, too. */
typedef int (*visit_fn)(void *owner, struct str label, const struct leaf_field *field);

static int visit_member(const cJSON *member, visit_fn visit, void *owner)
{
	const size_t before = sizeof(METADATA) - 1;
	struct leaf_field field = { .text = str_of(member->valuestring), .json = member };
	struct str name = str_of(member->string);
	char path[LEAF_MAX_PATH];

	if (name.len > sizeof(path) - before)
		return -E2BIG;
	memcpy(path, METADATA, before);
	memcpy(path + before, name.at, name.len);
	field.path = (struct str){ .at = path, .len = before + name.len };
	return visit(owner, STR(""), &field);
}

static int visit_metadata(const cJSON *metadata, visit_fn visit, void *owner)
{
	const cJSON **members;
	size_t count;
	int rc;

	if (!metadata || !metadata->child)
		return 0;
	if (!metadata->child->next)
		return visit_member(metadata->child, visit, owner);
	rc = canonical_order(metadata, &members, &count);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = visit_member(members[i], visit, owner);
	free(members);
	return rc;
}

static int visit_row(const struct leaf_row *row, visit_fn visit, void *owner)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(columns) && rc == 0; i++) {
		const void *value = (const char *)row + columns[i].offset;
		struct leaf_field field = { .path = columns[i].name };

		if (columns[i].offset == offsetof(struct leaf_row, metadata)) {
			rc = visit_metadata(row->metadata, visit, owner);
			continue;
		}
		field.text = *(const struct str *)value;
		rc = visit(owner, columns[i].label, &field);
	}
	return rc;
}

/* ---- the data ------------------------------------------------------------------------------ */

struct writing {
	struct buf *out;
	leaf_seal_fn seal;
	void *owner;
	bool is_in_metadata;
};

static void add_commitment(struct buf *out, const uint8_t commitment[SHA256_SIZE])
{
	char hex[SHA256_HEX_SIZE];

	hex_encode(commitment, SHA256_SIZE, hex);
	buf_add_text(out, "{\"c\":\"");
	buf_add(out, hex, sizeof(hex) - 1);
	buf_add_text(out, "\"}");
}

static void add_comma(struct buf *out)
{
	if (!out->err && out->bytes[out->len - 1] != '{')
		buf_add_char(out, ',');
}

/* The columns after the metadata end their object. */
static void enter_or_leave_metadata(struct writing *writing, const struct leaf_field *field)
{
	bool was_in_metadata = writing->is_in_metadata;

	writing->is_in_metadata = field->json;
	if (was_in_metadata && !writing->is_in_metadata)
		buf_add_char(writing->out, '}');
	if (was_in_metadata || !writing->is_in_metadata)
		return;
	add_comma(writing->out);
	buf_add_text(writing->out, "\"metadata\":{");
}

static int write_sealed(struct buf *out, const struct leaf_field *field, struct leaf_seal *seal)
{
	int rc = 0;

	if (seal->form == LEAF_CLEAR)
		add_value(out, field);
	else if (seal->form == LEAF_SALTED)
		rc = commit_in(out, seal->bytes, field, seal->bytes);
	if (rc == 0 && seal->form != LEAF_CLEAR)
		add_commitment(out, seal->bytes);
	return rc < 0 ? rc : out->err;
}

static int write_field(void *owner, struct str label, const struct leaf_field *field)
{
	struct writing *writing = owner;
	struct buf *out = writing->out;
	struct leaf_seal seal = { .form = LEAF_CLEAR };
	int rc = writing->seal(writing->owner, field, &seal);

	if (rc < 0)
		return rc;
	enter_or_leave_metadata(writing, field);
	if (seal.form != LEAF_ERASED && !field->json && field->text.len == 0)
		return out->err;
	add_comma(out);
	buf_add_str(out, label);
	if (field->json) {
		canonical_add_string(out, member_name(field));
		buf_add_char(out, ':');
	}
	return write_sealed(out, field, &seal);
}

int leaf_write(struct buf *out, const struct leaf_row *row, leaf_seal_fn seal, void *owner)
{
	struct writing writing = { .out = out, .seal = seal, .owner = owner };
	int rc;

	buf_add_char(out, '{');
	rc = out->err ? out->err : visit_row(row, write_field, &writing);
	buf_add_text(out, ",\"v\":1}");
	if (rc < 0 && !out->err)
		out->err = rc;
	return out->err;
}

/* ---- rows of the store --------------------------------------------------------------------- */

struct sealing {
	const struct leaf_row *row;
	leaf_key_fn find_key;
	void *owner;
};

static int seal_personal(void *owner, const struct leaf_field *field, struct leaf_seal *out)
{
	const struct sealing *sealing = owner;
	const struct hmac_key *key;

	if (!is_personal(sealing->row, field))
		return 0;
	key = sealing->find_key(sealing->owner, subject_of(sealing->row, field));
	if (!key)
		return -ENOKEY;
	leaf_salt(key, sealing->row->id, field->path, out->bytes);
	out->form = LEAF_SALTED;
	return 0;
}

int leaf_hash(const struct leaf_row *row, leaf_key_fn find_key, void *owner, struct buf *data,
	      struct merkle_hash *out)
{
	struct sealing sealing = { .row = row, .find_key = find_key, .owner = owner };
	int rc;

	buf_reset(data);
	rc = leaf_write(data, row, seal_personal, &sealing);
	if (rc == 0)
		merkle_leaf(buf_str(data), out);
	return rc;
}

struct visiting {
	const struct leaf_row *row;
	leaf_field_fn on_field;
	void *owner;
};

static int find_personal(void *owner, struct str label, const struct leaf_field *field)
{
	const struct visiting *visiting = owner;
	int rc;

	(void)label;
	if (!is_personal(visiting->row, field))
		return 0;
	rc = visiting->on_field(visiting->owner, field, subject_of(visiting->row, field));
	return rc < 0 ? rc : 0;
}

int leaf_each_personal(const struct leaf_row *row, leaf_field_fn on_field, void *owner)
{
	struct visiting visiting = { .row = row, .on_field = on_field, .owner = owner };

	return visit_row(row, find_personal, &visiting);
}
