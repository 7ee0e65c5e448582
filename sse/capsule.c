/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Capsules as JSON. Foreign objects are read strictly and written anew, so what goes out is always
 * one line of valid JSON; what cannot be read becomes null.
 */
#include "sse/capsule.h"

#include <errno.h>

#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"

/* Addresses are for the hosts, and disk_used_mb is never in events. */
static const char *const withheld[] = { "guest_ip", "host_ip", "disk_used_mb" };

static int set_status(cJSON *object, const char *status)
{
	if (!status)
		return 0;
	cJSON_DeleteItemFromObjectCaseSensitive(object, "status");
	return cJSON_AddStringToObject(object, "status", status) ? 0 : -ENOMEM;
}

void capsule_write_own(struct buf *out, struct str sandbox, const char *status)
{
	cJSON *object = NULL;
	char *text = NULL;

	if (json_parse(sandbox, CAPSULE_MAX_BYTES, &object, NULL) == 0 && cJSON_IsObject(object)) {
		for (size_t i = 0; i < ARRAY_LEN(withheld); i++)
			cJSON_DeleteItemFromObjectCaseSensitive(object, withheld[i]);
		if (set_status(object, status) == 0)
			text = cJSON_PrintUnformatted(object);
	}
	buf_add_text(out, text ? text : "null");
	cJSON_free(text);
	cJSON_Delete(object);
}

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

/* Left out when it is empty or no object of strings. */
static void add_metadata(struct buf *out, const struct db_row *row)
{
	struct str text = row_text(row, COLUMN_METADATA);
	bool is_shown = false;
	cJSON *object = NULL;

	if (text.len > 0 && json_parse(text, CAPSULE_MAX_BYTES, &object, NULL) == 0 &&
	    cJSON_IsObject(object)) {
		is_shown = object->child;
		for (const cJSON *member = object->child; member; member = member->next)
			is_shown = is_shown && cJSON_IsString(member);
	}
	if (is_shown) {
		json_add_name(out, "metadata");
		buf_add_char(out, '{');
		for (const cJSON *member = object->child; member; member = member->next)
			json_add_member(out, member->string, str_of(member->valuestring));
		buf_add_char(out, '}');
	}
	cJSON_Delete(object);
}

void capsule_write_row(struct buf *out, const struct db_row *row, const struct uuid *capsule,
		       const char *status)
{
	char id[ID_TEXT_SIZE];

	id_format(ID_CAPSULE, capsule, id);
	buf_add_char(out, '{');
	json_add_member(out, "id", str_of(id));
	json_add_member(out, "status", status ? str_of(status) : row_text(row, COLUMN_STATUS));
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
