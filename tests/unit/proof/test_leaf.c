/* SPDX-License-Identifier: Apache-2.0 */

/* What a leaf consists of, which values of it are commitments, and whom they are about. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "core/json.h"
#include "proof/leaf.h"

#define ANNA "usr-0000000000000000000000001"
#define BERT "usr-0000000000000000000000002"
#define ROW  "log-0000000000000000000000003"
#define TEAM "team-0000000000000000000000004"

static const struct leaf_row by_anna = {
	.team_id = STR(TEAM),
	.id = STR(ROW),
	.created_at = STR("2026-01-02T03:04:05.000006Z"),
	.actor_type = STR("user"),
	.actor_id = STR(ANNA),
	.actor_name = STR("Anna"),
	.resource_type = STR("sandbox"),
	.resource_id = STR("cap-1"),
	.action = STR("create"),
	.scope = STR("team"),
	.status = STR("success"),
};

static cJSON *json(const char *text)
{
	cJSON *value = NULL;

	cr_assert_eq(json_parse(str_of(text), 4096, &value, NULL), 0, "%s", text);
	return value;
}

/* The key of a subject is its SHA-256, and it notes who was asked for. */
static const struct hmac_key *find_key(void *owner, struct str subject)
{
	static struct hmac_key key;
	uint8_t bytes[LEAF_KEY_SIZE];
	struct buf *asked = owner;

	crypto_sha256(subject, bytes);
	crypto_hmac_key((struct str){ (char *)bytes, sizeof(bytes) }, &key);
	if (asked)
		buf_addf(asked, "[%.*s]", STR_ARGS(subject));
	return &key;
}

static int leave_clear(void *owner, const struct leaf_field *field, struct leaf_seal *out)
{
	(void)owner;
	(void)field;
	(void)out;
	return 0;
}

static int note_field(void *owner, const struct leaf_field *field, struct str subject)
{
	buf_addf(owner, "%.*s:%.*s ", STR_ARGS(field->path), STR_ARGS(subject));
	return 0;
}

static int hash_leaf(const struct leaf_row *row, leaf_key_fn key, void *owner,
		     struct merkle_hash *out)
{
	struct buf data;
	int rc;

	buf_init(&data, LEAF_MAX_BYTES);
	rc = leaf_hash(row, key, owner, &data, out);
	buf_done(&data);
	return rc;
}

static void expect_personal(const struct leaf_row *row, const char *expected)
{
	struct buf seen;

	buf_init(&seen, 4096);
	cr_assert_eq(leaf_each_personal(row, note_field, &seen), 0);
	cr_expect_str_eq(buf_text(&seen), expected);
	buf_done(&seen);
}

Test(leaf, is_the_row_in_canonical_form)
{
	struct leaf_row row = by_anna;
	cJSON *metadata = json("{\"template\":\"t\",\"error\":\"no \\\"room\\\"\",\"n\":1.50}");
	struct buf out;

	row.metadata = metadata;
	row.resource_id = STR("");
	buf_init(&out, 4096);
	cr_assert_eq(leaf_write(&out, &row, leave_clear, NULL), 0);
	cr_expect_str_eq(buf_text(&out),
			 "{\"action\":\"create\",\"actor_id\":\"" ANNA "\",\"actor_name\":\"Anna\","
			 "\"actor_type\":\"user\",\"created_at\":\"2026-01-02T03:04:05.000006Z\","
			 "\"id\":\"" ROW "\",\"metadata\":{\"error\":\"no \\\"room\\\"\",\"n\":1.5,"
			 "\"template\":\"t\"},\"resource_type\":\"sandbox\",\"scope\":\"team\","
			 "\"status\":\"success\",\"team_id\":\"" TEAM "\",\"v\":1}");
	buf_done(&out);
	cJSON_Delete(metadata);
}

Test(leaf, without_metadata_has_no_member_of_them)
{
	cJSON *empty = json("{}");
	struct leaf_row row = by_anna;
	struct merkle_hash without;
	struct merkle_hash with;

	cr_assert_eq(hash_leaf(&row, find_key, NULL, &without), 0);
	row.metadata = empty;
	cr_assert_eq(hash_leaf(&row, find_key, NULL, &with), 0);
	cr_expect(merkle_eq(&with, &without));
	cJSON_Delete(empty);
}

Test(leaf, knows_which_values_can_name_a_person)
{
	cJSON *metadata = json("{\"email\":\"a@b\",\"error\":\"x\",\"member\":\"" BERT
			       "\",\"name\":\"v\",\"object\":{\"c\":\"00\"},\"template\":\"t\"}");
	struct leaf_row row = by_anna;

	expect_personal(&row, "actor_id:" ANNA " actor_name:" ANNA " ");
	row.metadata = metadata;
	row.resource_id = STR(BERT);
	expect_personal(&row,
			"actor_id:" ANNA " actor_name:" ANNA " metadata.email:" ANNA
			" metadata.error:" ANNA " metadata.member:" BERT " metadata.name:" ANNA
			" metadata.object:" ANNA " resource_id:" BERT " ");
	row.actor_type = STR("api_key");
	row.actor_id = STR("key-1");
	row.resource_id = STR("cap-1");
	expect_personal(&row, "metadata.email: metadata.error: metadata.member:" BERT
			      " metadata.name: metadata.object: ");
	row.metadata = NULL;
	expect_personal(&row, "");
	cJSON_Delete(metadata);
}

/* The commitments are those of the formula in the header, by an independent calculation. */
static int seal_by_formula(void *owner, const struct leaf_field *field, struct leaf_seal *out)
{
	const char *subject = owner;
	uint8_t key[LEAF_KEY_SIZE];
	uint8_t salt[LEAF_SALT_SIZE];
	const struct str named[] = { STR(ROW), STR("\0"), field->path };
	char value[64];
	struct str text = { .at = value };

	if (!str_starts(field->path, STR("actor_")) || str_is(field->path, "actor_type"))
		return 0;
	crypto_sha256(str_of(subject), key);
	crypto_hmac_sha256((struct str){ (char *)key, sizeof(key) }, named, 3, salt);
	text.len = (size_t)snprintf(value, sizeof(value), "\"%.*s\"", STR_ARGS(field->text));
	out->form = LEAF_ERASED;
	crypto_hmac_sha256((struct str){ (char *)salt, sizeof(salt) }, &text, 1, out->bytes);
	return 0;
}

Test(leaf, commits_with_a_salt_of_the_subject_the_row_and_the_path)
{
	struct merkle_hash expected;
	struct merkle_hash hash;
	struct buf data;
	struct buf asked;

	buf_init(&data, 4096);
	buf_init(&asked, 4096);
	cr_assert_eq(leaf_write(&data, &by_anna, seal_by_formula, ANNA), 0);
	merkle_leaf(buf_str(&data), &expected);
	cr_assert_eq(hash_leaf(&by_anna, find_key, &asked, &hash), 0);
	cr_expect(merkle_eq(&hash, &expected));
	cr_expect_str_eq(buf_text(&asked), "[" ANNA "][" ANNA "]");
	buf_done(&data);
	buf_done(&asked);
}

static void expect_other(const struct leaf_row *row, const struct merkle_hash *hash,
			 const char *what)
{
	struct merkle_hash other;

	cr_assert_eq(hash_leaf(row, find_key, NULL, &other), 0);
	cr_expect_not(merkle_eq(hash, &other), "%s", what);
}

Test(leaf, depends_on_every_column)
{
	static const size_t columns[] = {
		offsetof(struct leaf_row, team_id),       offsetof(struct leaf_row, id),
		offsetof(struct leaf_row, created_at),    offsetof(struct leaf_row, actor_type),
		offsetof(struct leaf_row, actor_id),      offsetof(struct leaf_row, actor_name),
		offsetof(struct leaf_row, resource_type), offsetof(struct leaf_row, resource_id),
		offsetof(struct leaf_row, action),        offsetof(struct leaf_row, scope),
		offsetof(struct leaf_row, status),
	};
	cJSON *metadata = json("{\"template\":\"t\"}");
	struct leaf_row row = by_anna;
	struct merkle_hash hash;

	cr_assert_eq(hash_leaf(&row, find_key, NULL, &hash), 0);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		row = by_anna;
		*(struct str *)((char *)&row + columns[i]) = STR("other");
		expect_other(&row, &hash, "another text");
		*(struct str *)((char *)&row + columns[i]) = STR("");
		expect_other(&row, &hash, "no text");
	}
	row = by_anna;
	row.metadata = metadata;
	expect_other(&row, &hash, "metadata");
	cJSON_Delete(metadata);
}

static const struct hmac_key *have_no_key(void *owner, struct str subject)
{
	(void)owner;
	(void)subject;
	return NULL;
}

Test(leaf, fails_without_a_key)
{
	struct merkle_hash hash;

	cr_expect_eq(hash_leaf(&by_anna, have_no_key, NULL, &hash), -ENOKEY);
}
