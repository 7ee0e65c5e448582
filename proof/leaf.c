/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One function walks over the values of a row in canonical order. It writes the leaf, and it finds
 * the values that are personal.
 */
#include "proof/leaf.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "core/id.h"
#include "proof/canonical.h"

#define METADATA "metadata."

/* In the order of RFC 8785. The metadata stand between "id" and "resource_id". */
static const struct column {
	const char *name;
	size_t offset;
} columns[] = {
	{ "action", offsetof(struct leaf_row, action) },
	{ "actor_id", offsetof(struct leaf_row, actor_id) },
	{ "actor_name", offsetof(struct leaf_row, actor_name) },
	{ "actor_type", offsetof(struct leaf_row, actor_type) },
	{ "created_at", offsetof(struct leaf_row, created_at) },
	{ "id", offsetof(struct leaf_row, id) },
	{ "metadata", offsetof(struct leaf_row, metadata) },
	{ "resource_id", offsetof(struct leaf_row, resource_id) },
	{ "resource_type", offsetof(struct leaf_row, resource_type) },
	{ "scope", offsetof(struct leaf_row, scope) },
	{ "status", offsetof(struct leaf_row, status) },
	{ "team_id", offsetof(struct leaf_row, team_id) },
};

/* Members of the metadata that can name a person. */
static const char *const personal_members[] = { "email", "error", "name" };

/* ---- the rule ------------------------------------------------------------------------------ */

/* By its form alone, because each row asks several times. */
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

static bool is_personal_member(const struct leaf_field *field)
{
	struct str name = str_from(field->path, sizeof(METADATA) - 1);

	/* Such a value in clear could look like a commitment. */
	if (cJSON_IsObject(field->json) || cJSON_IsArray(field->json))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(personal_members); i++) {
		if (str_is(name, personal_members[i]))
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

void leaf_salt(const uint8_t key[LEAF_KEY_SIZE], struct str row_id, struct str path,
	       uint8_t out[LEAF_SALT_SIZE])
{
	struct str secret = { .at = (const char *)key, .len = LEAF_KEY_SIZE };
	const struct str pieces[] = { row_id, STR("\0"), path };

	crypto_hmac_sha256(secret, pieces, ARRAY_LEN(pieces), out);
}

int leaf_commit(const uint8_t salt[LEAF_SALT_SIZE], const struct leaf_field *field,
		uint8_t out[SHA256_SIZE])
{
	struct str secret = { .at = (const char *)salt, .len = LEAF_SALT_SIZE };
	struct buf value;
	int rc;

	buf_init(&value, LEAF_MAX_BYTES);
	if (field->json)
		canonical_add(&value, field->json);
	else
		canonical_add_string(&value, field->text);
	rc = value.err;
	if (rc == 0) {
		struct str text = buf_str(&value);

		crypto_hmac_sha256(secret, &text, 1, out);
	}
	buf_done(&value);
	return rc;
}

/* ---- the data ------------------------------------------------------------------------------ */

struct writing {
	struct buf *out;
	leaf_seal_fn seal;
	void *owner;
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

static void add_value(struct buf *out, const struct leaf_field *field)
{
	if (field->json)
		canonical_add(out, field->json);
	else
		canonical_add_string(out, field->text);
}

/* `name` is what stands before the value; the path is for the seal. */
static int write_field(const struct writing *writing, struct str name,
		       const struct leaf_field *field)
{
	struct buf *out = writing->out;
	struct leaf_seal seal = { .form = LEAF_CLEAR };
	int rc = writing->seal(writing->owner, field, &seal);

	if (rc < 0)
		return rc;
	if (seal.form != LEAF_ERASED && !field->json && field->text.len == 0)
		return 0;
	add_comma(out);
	canonical_add_string(out, name);
	buf_add_char(out, ':');
	if (seal.form == LEAF_CLEAR) {
		add_value(out, field);
		return out->err;
	}
	if (seal.form == LEAF_SALTED)
		rc = leaf_commit(seal.bytes, field, seal.bytes);
	add_commitment(out, seal.bytes);
	return rc < 0 ? rc : out->err;
}

static int write_member(const struct writing *writing, const cJSON *member)
{
	struct leaf_field field = { .text = str_of(member->valuestring), .json = member };
	struct buf path;
	int rc;

	buf_init(&path, LEAF_MAX_PATH);
	buf_add_text(&path, METADATA);
	buf_add_text(&path, member->string);
	field.path = buf_str(&path);
	rc = path.err ? path.err : write_field(writing, str_of(member->string), &field);
	buf_done(&path);
	return rc;
}

static int write_metadata(const struct writing *writing, const cJSON *metadata)
{
	const cJSON **members;
	size_t count;
	int rc;

	if (!metadata || !metadata->child)
		return 0;
	rc = canonical_order(metadata, &members, &count);
	if (rc < 0)
		return rc;
	add_comma(writing->out);
	buf_add_text(writing->out, "\"metadata\":{");
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = writing->out->err ? writing->out->err : write_member(writing, members[i]);
	buf_add_char(writing->out, '}');
	free(members);
	return rc < 0 ? rc : writing->out->err;
}

int leaf_write(struct buf *out, const struct leaf_row *row, leaf_seal_fn seal, void *owner)
{
	const struct writing writing = { .out = out, .seal = seal, .owner = owner };
	int rc = 0;

	buf_add_char(out, '{');
	for (size_t i = 0; i < ARRAY_LEN(columns) && rc == 0; i++) {
		const char *name = columns[i].name;
		const void *value = (const char *)row + columns[i].offset;

		if (out->err)
			break;
		if (columns[i].offset == offsetof(struct leaf_row, metadata)) {
			rc = write_metadata(&writing, row->metadata);
		} else {
			struct leaf_field field = { .path = str_of(name),
						    .text = *(const struct str *)value };

			rc = write_field(&writing, field.path, &field);
		}
	}
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
	uint8_t key[LEAF_KEY_SIZE];
	int rc;

	if (!is_personal(sealing->row, field))
		return 0;
	rc = sealing->find_key(sealing->owner, subject_of(sealing->row, field), key);
	if (rc < 0)
		return rc;
	leaf_salt(key, sealing->row->id, field->path, out->bytes);
	out->form = LEAF_SALTED;
	return 0;
}

int leaf_hash(const struct leaf_row *row, leaf_key_fn find_key, void *owner,
	      struct merkle_hash *out)
{
	struct sealing sealing = { .row = row, .find_key = find_key, .owner = owner };
	struct buf data;
	int rc;

	buf_init(&data, LEAF_MAX_BYTES);
	rc = leaf_write(&data, row, seal_personal, &sealing);
	if (rc == 0)
		merkle_leaf(buf_str(&data), out);
	buf_done(&data);
	return rc;
}

struct visiting {
	const struct leaf_row *row;
	leaf_field_fn on_field;
	void *owner;
};

static int visit_personal(void *owner, const struct leaf_field *field, struct leaf_seal *out)
{
	const struct visiting *visiting = owner;

	(void)out;
	if (!is_personal(visiting->row, field))
		return 0;
	return visiting->on_field(visiting->owner, field, subject_of(visiting->row, field));
}

/* The leaf in clear is of no use to anybody; writing it walks over the values. */
int leaf_each_personal(const struct leaf_row *row, leaf_field_fn on_field, void *owner)
{
	struct visiting visiting = { .row = row, .on_field = on_field, .owner = owner };
	struct buf data;
	int rc;

	buf_init(&data, LEAF_MAX_BYTES);
	rc = leaf_write(&data, row, visit_personal, &visiting);
	buf_done(&data);
	return rc;
}
