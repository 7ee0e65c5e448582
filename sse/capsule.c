/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Capsules as JSON. An event's own object is parsed strictly and encoded again, so the output is
 * always one line of valid JSON. An object that cannot be parsed becomes null.
 */
#include "sse/capsule.h"

#include <string.h>

#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"

/* A double holds whole numbers exactly up to here. */
#define LARGEST_WHOLE 9007199254740992.0

static const char *const status_words[] = {
	"pending",  "starting", "running", "pausing",    "paused",  "snapshotting",
	"resuming", "stopping", "stopped", "hibernated", "missing", "error",
};

/* Clients accept exactly these words: a strict client fails on any other. */
static bool is_status(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(status_words); i++) {
		if (str_is(word, status_words[i]))
			return true;
	}
	return false;
}

static bool has_only_strings(const cJSON *object)
{
	for (const cJSON *member = object->child; member; member = member->next) {
		if (!cJSON_IsString(member))
			return false;
	}
	return true;
}

/* ---- the event's own object ---------------------------------------------------------------- */

enum shape { WITHHELD, TEXT, WHOLE, TIME, STRINGS };

static const struct {
	const char *name;
	enum shape shape;
} shapes[] = {
	/* Clients must not see addresses, and events never carry disk_used_mb. */
	{ "guest_ip", WITHHELD },     { "host_ip", WITHHELD },
	{ "disk_used_mb", WITHHELD }, { "id", TEXT },
	{ "status", TEXT },           { "template", TEXT },
	{ "vcpus", WHOLE },           { "memory_mb", WHOLE },
	{ "timeout_sec", WHOLE },     { "disk_size_mb", WHOLE },
	{ "created_at", TIME },       { "started_at", TIME },
	{ "last_active_at", TIME },   { "last_updated", TIME },
	{ "metadata", STRINGS },
};

static bool is_whole(const cJSON *value)
{
	double number = value->valuedouble;

	return cJSON_IsNumber(value) && number >= -LARGEST_WHOLE && number <= LARGEST_WHOLE &&
	       number - (double)(int64_t)number == 0;
}

/* A time without an offset is taken as UTC. */
static void add_own_time(struct buf *out, const cJSON *member)
{
	struct str text = str_of(cJSON_GetStringValue(member));
	char time[RFC3339_TEXT_SIZE];
	int64_t us;

	if (rfc3339_is_strict(text)) {
		json_add_member(out, member->string, text);
		return;
	}
	if (rfc3339_parse(text, &us) < 0 && rfc3339_parse_zoneless(text, &us) < 0)
		return;
	rfc3339_format(us, 0, time);
	json_add_member(out, member->string, str_of(time));
}

static void add_own_value(struct buf *out, const cJSON *member)
{
	json_add_name(out, member->string);
	json_add_value(out, member);
}

/* Drops a member of the wrong shape. Unknown members pass. */
static void add_own_member(struct buf *out, const cJSON *member)
{
	bool fits = true;

	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		if (strcmp(member->string, shapes[i].name) != 0)
			continue;
		if (shapes[i].shape == TIME) {
			add_own_time(out, member);
			return;
		}
		fits = (shapes[i].shape == TEXT && cJSON_IsString(member)) ||
		       (shapes[i].shape == WHOLE && is_whole(member)) ||
		       (shapes[i].shape == STRINGS && cJSON_IsObject(member) &&
			has_only_strings(member));
	}
	if (fits)
		add_own_value(out, member);
}

void capsule_write_own(struct buf *out, struct str sandbox, const char *status)
{
	cJSON *object = NULL;
	const char *own;

	if (json_parse_foreign(sandbox, CAPSULE_MAX_BYTES, &object, NULL) < 0 ||
	    !cJSON_IsObject(object)) {
		buf_add_text(out, "null");
		cJSON_Delete(object);
		return;
	}
	own = json_get_string(object, "status");
	if (!status && own && !is_status(str_of(own))) {
		buf_add_text(out, "null");
	} else {
		buf_add_char(out, '{');
		for (const cJSON *member = object->child; member; member = member->next) {
			if (!status || strcmp(member->string, "status") != 0)
				add_own_member(out, member);
		}
		if (status)
			json_add_member(out, "status", str_of(status));
		buf_add_char(out, '}');
	}
	cJSON_Delete(object);
}

/* ---- the row ------------------------------------------------------------------------------- */

enum column {
	COLUMN_STATUS,
	COLUMN_TEMPLATE,
	COLUMN_VCPUS,
	COLUMN_MEMORY,
	COLUMN_TIMEOUT,
	COLUMN_DISK,
	COLUMN_CREATED,
	COLUMN_STARTED,
	COLUMN_ACTIVE,
	COLUMN_UPDATED,
	COLUMN_METADATA
};

const struct db_query capsule_query = {
	.sql = "SELECT status, template, vcpus, memory_mb, timeout_sec, disk_size_mb, created_at,"
	       " started_at, last_active_at, last_updated, metadata"
	       " FROM sandboxes WHERE id = $1 AND team_id = $2",
};

static void add_number(struct buf *out, const char *name, const struct db_row *row, int column)
{
	json_add_name(out, name);
	buf_add_i64(out, row_int(row, column));
}

static void add_time(struct buf *out, const char *name, const struct db_row *row, int column)
{
	char text[RFC3339_TEXT_SIZE];

	if (row_is_null(row, column))
		return;
	rfc3339_format(row_time(row, column), 0, text);
	json_add_member(out, name, str_of(text));
}

/* Drops metadata that is empty or not an object of strings. */
static void add_metadata(struct buf *out, const struct db_row *row)
{
	struct str text = row_text(row, COLUMN_METADATA);
	cJSON *object = NULL;

	if (text.len > 0 && json_parse_foreign(text, CAPSULE_MAX_BYTES, &object, NULL) == 0 &&
	    cJSON_IsObject(object) && object->child && has_only_strings(object)) {
		json_add_name(out, "metadata");
		json_add_value(out, object);
	}
	cJSON_Delete(object);
}

void capsule_write_row(struct buf *out, const struct db_row *row, const struct uuid *capsule,
		       const char *status)
{
	struct str word = status ? str_of(status) : row_text(row, COLUMN_STATUS);
	char id[ID_TEXT_SIZE];

	if (!is_status(word)) {
		buf_add_text(out, "null");
		return;
	}
	id_format(ID_CAPSULE, capsule, id);
	buf_add_char(out, '{');
	json_add_member(out, "id", str_of(id));
	json_add_member(out, "status", word);
	json_add_member(out, "template", row_text(row, COLUMN_TEMPLATE));
	add_number(out, "vcpus", row, COLUMN_VCPUS);
	add_number(out, "memory_mb", row, COLUMN_MEMORY);
	add_number(out, "timeout_sec", row, COLUMN_TIMEOUT);
	add_number(out, "disk_size_mb", row, COLUMN_DISK);
	add_time(out, "created_at", row, COLUMN_CREATED);
	add_time(out, "started_at", row, COLUMN_STARTED);
	add_time(out, "last_active_at", row, COLUMN_ACTIVE);
	add_time(out, "last_updated", row, COLUMN_UPDATED);
	add_metadata(out, row);
	buf_add_char(out, '}');
}
