/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a `sandbox` object to a row. The object comes from outside, so every member is checked for
 * type and range before any is used. The id must be that of the event's capsule. The team is the
 * event's.
 */
#include "ledger/capsules.h"

#include <string.h>

#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"

#define TEXT_MAX   256
#define NUMBER_MAX 1e12

static const char *const status_words[] = {
	"pending",  "starting", "running", "pausing",    "paused",  "snapshotting",
	"resuming", "stopping", "stopped", "hibernated", "missing", "error",
};

static bool read_text(const cJSON *tree, const char *name, struct str *out)
{
	const char *text = json_get_string(tree, name);

	*out = str_of(text);
	return text && out->len <= TEXT_MAX;
}

static bool read_number(const cJSON *tree, const char *name, int64_t *out)
{
	const cJSON *member = json_get(tree, name);

	if (!cJSON_IsNumber(member) || !(member->valuedouble >= 0) ||
	    member->valuedouble > NUMBER_MAX)
		return false;
	*out = (int64_t)member->valuedouble;
	return member->valuedouble - (double)*out <= 0; /* a whole number */
}

static bool read_time(const cJSON *tree, const char *name, int64_t *out)
{
	const char *text = json_get_string(tree, name);

	return text && rfc3339_parse(str_of(text), out) == 0;
}

/* Absent and null are 0. */
static bool read_time_or_null(const cJSON *tree, const char *name, int64_t *out)
{
	const cJSON *member = json_get(tree, name);

	*out = 0;
	return !member || cJSON_IsNull(member) || read_time(tree, name, out);
}

static bool read_status(const cJSON *tree, struct str *out)
{
	if (!read_text(tree, "status", out))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(status_words); i++) {
		if (str_is(*out, status_words[i]))
			return true;
	}
	return false;
}

/* Copies the strings of an object. Anything else counts as empty (contract b.3). */
static void write_metadata(const cJSON *object, struct buf *out)
{
	const cJSON *item;

	buf_add_char(out, '{');
	if (cJSON_IsObject(object)) {
		cJSON_ArrayForEach(item, object)
		{
			if (cJSON_IsString(item))
				json_add_member(out, item->string, str_of(item->valuestring));
		}
	}
	buf_add_char(out, '}');
}

static bool read_id(const struct event *event, struct capsule *out)
{
	struct str text;

	return event->has_capsule && read_text(out->tree, "id", &text) &&
	       id_parse(ID_CAPSULE, text, &out->id) == 0 && uuid_eq(&out->id, &event->capsule);
}

static bool read_members(const struct event *event, struct capsule *out)
{
	const cJSON *tree = out->tree;

	return read_id(event, out) && read_status(tree, &out->status) &&
	       read_text(tree, "template", &out->template) &&
	       read_number(tree, "vcpus", &out->vcpus) &&
	       read_number(tree, "memory_mb", &out->memory_mb) &&
	       read_number(tree, "timeout_sec", &out->timeout_sec) &&
	       read_number(tree, "disk_size_mb", &out->disk_size_mb) &&
	       read_time(tree, "created_at", &out->created_us) &&
	       read_time_or_null(tree, "started_at", &out->started_us) &&
	       read_time_or_null(tree, "last_active_at", &out->last_active_us) &&
	       read_time(tree, "last_updated", &out->last_updated_us);
}

bool capsule_read(const struct event *event, struct capsule *out)
{
	*out = (struct capsule){ .team = event->team };
	buf_init(&out->metadata, EVENT_MAX_BYTES);
	if (json_parse(event->sandbox, EVENT_MAX_BYTES, &out->tree, NULL) < 0)
		return false;
	if (read_members(event, out)) {
		write_metadata(json_get(out->tree, "metadata"), &out->metadata);
		if (!out->metadata.err)
			return true;
	}
	capsule_done(out);
	return false;
}

void capsule_done(struct capsule *capsule)
{
	cJSON_Delete(capsule->tree);
	buf_done(&capsule->metadata);
}

static const struct db_query store_capsule = {
	.sql = "INSERT INTO sandboxes (id, team_id, status, template, vcpus, memory_mb, "
	       "timeout_sec, disk_size_mb, metadata, created_at, started_at, last_active_at, "
	       "last_updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) "
	       "ON CONFLICT (id) DO UPDATE SET status = excluded.status, "
	       "template = excluded.template, vcpus = excluded.vcpus, "
	       "memory_mb = excluded.memory_mb, timeout_sec = excluded.timeout_sec, "
	       "disk_size_mb = excluded.disk_size_mb, metadata = excluded.metadata, "
	       "created_at = excluded.created_at, started_at = excluded.started_at, "
	       "last_active_at = excluded.last_active_at, last_updated = excluded.last_updated "
	       "WHERE sandboxes.team_id = excluded.team_id "
	       "AND sandboxes.last_updated <= excluded.last_updated",
};

static struct db_value time_or_null(int64_t us)
{
	return us == 0 ? db_null() : db_time(us);
}

int capsule_store(struct db *db, const struct capsule *capsule)
{
	const struct db_value values[] = {
		db_uuid(&capsule->id),
		db_uuid(&capsule->team),
		db_text(capsule->status),
		db_text(capsule->template),
		db_int(capsule->vcpus),
		db_int(capsule->memory_mb),
		db_int(capsule->timeout_sec),
		db_int(capsule->disk_size_mb),
		db_json(buf_str(&capsule->metadata)),
		db_time(capsule->created_us),
		time_or_null(capsule->started_us),
		time_or_null(capsule->last_active_us),
		db_time(capsule->last_updated_us),
	};

	return db_run(db, &store_capsule, values, ARRAY_LEN(values), NULL, NULL, NULL);
}
