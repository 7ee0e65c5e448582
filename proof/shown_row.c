/* SPDX-License-Identifier: Apache-2.0 */

/* Everything that a reader of the line may rely on must be part of the hash. So unknown members are
 * refused, and so are salts and commitments without a value. */
#include "proof/shown_row.h"

#include <errno.h>
#include <stddef.h>

#include "core/json.h"
#include "proof/leaf.h"

#define METADATA "metadata."

static const struct {
	const char *name;
	size_t offset;
} columns[] = {
	{ "id", offsetof(struct leaf_row, id) },
	{ "created_at", offsetof(struct leaf_row, created_at) },
	{ "actor_type", offsetof(struct leaf_row, actor_type) },
	{ "actor_id", offsetof(struct leaf_row, actor_id) },
	{ "actor_name", offsetof(struct leaf_row, actor_name) },
	{ "resource_type", offsetof(struct leaf_row, resource_type) },
	{ "resource_id", offsetof(struct leaf_row, resource_id) },
	{ "action", offsetof(struct leaf_row, action) },
	{ "scope", offsetof(struct leaf_row, scope) },
	{ "status", offsetof(struct leaf_row, status) },
};

struct shown {
	const cJSON *salts; /* objects of path to digits, or NULL */
	const cJSON *commitments;
	int used; /* how many of both belong to a value */
	struct reason *why;
};

bool shown_hash_read(const cJSON *value, struct merkle_hash *out)
{
	return cJSON_IsString(value) &&
	       hex_decode(str_of(value->valuestring), out->bytes, sizeof(out->bytes));
}

static int refuse(struct reason *why, const char *what, const char *name)
{
	return reason_set(why, -EINVAL, "row", "%s \"%.100s\"", what, name);
}

static int read_column(const cJSON *member, struct leaf_row *out, struct reason *why)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		if (strcmp(columns[i].name, member->string) != 0)
			continue;
		if (!cJSON_IsString(member) || member->valuestring[0] == '\0')
			return refuse(why, "it has no text in", member->string);
		*(struct str *)((char *)out + columns[i].offset) = str_of(member->valuestring);
		return 0;
	}
	return refuse(why, "nothing proves its member", member->string);
}

static int read_metadata(const cJSON *metadata, struct leaf_row *out, struct reason *why)
{
	if (!cJSON_IsObject(metadata))
		return refuse(why, "it has no object in", "metadata");
	out->metadata = metadata;
	return 0;
}

static int read_columns(const cJSON *row, struct leaf_row *out, struct reason *why)
{
	int rc = cJSON_IsObject(row) ? 0 : refuse(why, "it has no object in", "row");

	for (const cJSON *member = rc == 0 ? row->child : NULL; member && rc == 0;
	     member = member->next) {
		if (strcmp(member->string, "metadata") == 0)
			rc = read_metadata(member, out, why);
		else
			rc = read_column(member, out, why);
	}
	if (rc == 0 && out->id.len == 0)
		rc = refuse(why, "it has no", "id");
	return rc;
}

/* Erased members are gone from the metadata, but the leaf still has them. */
static int add_erased(cJSON *row, const cJSON *commitments)
{
	cJSON *metadata = cJSON_GetObjectItemCaseSensitive(row, "metadata");

	for (const cJSON *item = commitments ? commitments->child : NULL; item; item = item->next) {
		struct str path = str_of(item->string);
		const char *name = item->string + sizeof(METADATA) - 1;

		if (!str_starts(path, STR(METADATA)))
			continue;
		if (!metadata)
			metadata = cJSON_AddObjectToObject(row, "metadata");
		if (!metadata ||
		    (!json_get(metadata, name) && !cJSON_AddNullToObject(metadata, name)))
			return -ENOMEM;
	}
	return 0;
}

/* Reads the digits of the path in the object. 1 if they are there, 0 if not. */
static int find_digits(const cJSON *object, const char *path, uint8_t out[SHA256_SIZE],
		       struct reason *why)
{
	const cJSON *item = json_get(object, path);

	if (!item)
		return 0;
	if (!cJSON_IsString(item) || !hex_decode(str_of(item->valuestring), out, SHA256_SIZE))
		return refuse(why, "64 hexadecimal digits are missing for", path);
	return 1;
}

static bool is_absent(const struct leaf_field *field)
{
	return field->json ? cJSON_IsNull(field->json) : field->text.len == 0;
}

static int seal_as_shown(void *owner, const struct leaf_field *field, struct leaf_seal *out)
{
	struct shown *shown = owner;
	char path[LEAF_MAX_PATH + 1];
	int rc;

	memcpy(path, field->path.at, field->path.len);
	path[field->path.len] = '\0';
	rc = find_digits(shown->commitments, path, out->bytes, shown->why);
	if (rc < 0)
		return rc;
	if (rc > 0) {
		out->form = LEAF_ERASED;
		shown->used++;
		return is_absent(field) ? 0
					: refuse(shown->why, "nothing proves the value of", path);
	}
	rc = field->text.len || field->json
		     ? find_digits(shown->salts, path, out->bytes, shown->why)
		     : 0;
	if (rc > 0) {
		out->form = LEAF_SALTED;
		shown->used++;
	} else if (rc == 0 && (cJSON_IsObject(field->json) || cJSON_IsArray(field->json))) {
		return refuse(shown->why, "it lacks the salt of", path);
	}
	return rc < 0 ? rc : 0;
}

static bool is_object_or_absent(const cJSON *value)
{
	return !value || cJSON_IsObject(value);
}

static int hash_row(const struct leaf_row *row, struct shown *shown, struct merkle_hash *out)
{
	int given = cJSON_GetArraySize(shown->salts) + cJSON_GetArraySize(shown->commitments);
	struct buf data;
	int rc;

	buf_init(&data, LEAF_MAX_BYTES);
	rc = leaf_write(&data, row, seal_as_shown, shown);
	if (rc == 0)
		merkle_leaf(buf_str(&data), out);
	buf_done(&data);
	if (rc == 0 && shown->used != given)
		rc = reason_set(shown->why, -EINVAL, "row",
				"it has a salt or a commitment of a value that it does not have");
	else if (rc == -E2BIG)
		rc = reason_set(shown->why, -EINVAL, "row", "it is too large");
	return rc;
}

int shown_row_read(cJSON *line, struct str team_id, struct shown_row *out, struct reason *why)
{
	cJSON *values = cJSON_GetObjectItemCaseSensitive(line, "row");
	struct shown shown = { .salts = json_get(line, "salts"),
			       .commitments = json_get(line, "commitments"),
			       .why = why };
	struct leaf_row row = { .team_id = team_id };
	int rc;

	if (!is_object_or_absent(shown.salts) || !is_object_or_absent(shown.commitments))
		return refuse(why, "it has no object in", "salts or commitments");
	if (!shown_hash_read(json_get(line, "hash"), &out->stored))
		return refuse(why, "it has no", "hash");
	rc = read_columns(values, &row, why);
	if (rc == 0)
		rc = add_erased(values, shown.commitments);
	if (rc == 0 && !row.metadata)
		row.metadata = json_get(values, "metadata");
	if (rc == 0)
		rc = hash_row(&row, &shown, &out->hash);
	if (rc < 0)
		return rc;
	out->id = row.id.at;
	out->is_erased = shown.commitments && shown.commitments->child;
	return 0;
}
