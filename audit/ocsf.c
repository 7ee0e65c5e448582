/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The schema has a list of activities; an action without one is "Other" under its own name. Members
 * that the schema lacks go into `unmapped`.
 */
#include "audit/ocsf.h"

#include <inttypes.h>

#include "core/id.h"
#include "core/json.h"
#include "core/utf8.h"

#define MAX_TEXT 1024
#define CLASS    3004
#define OTHER    99

static const struct ocsf_activity {
	const char *action;
	int id;
	const char *name;
} activities[] = {
	{ "create", 1, "Create" },       { "update", 3, "Update" },
	{ "delete", 4, "Delete" },       { "destroy", 4, "Delete" },
	{ "pause", 12, "Suspend" },      { "resume", 13, "Resume" },
	{ "marked_up", 10, "Activate" }, { "marked_down", 11, "Deactivate" },
};

static void add_number(struct buf *out, const char *name, int64_t number)
{
	json_add_name(out, name);
	buf_add_i64(out, number);
}

static void add_text(struct buf *out, const char *name, struct str value)
{
	if (value.len)
		json_add_member(out, name, utf8_cut(value, MAX_TEXT));
}

static void add_activity(struct buf *out, struct str action)
{
	int id = OTHER;
	struct str name = action;

	for (size_t i = 0; i < ARRAY_LEN(activities); i++) {
		if (str_is(action, activities[i].action)) {
			id = activities[i].id;
			name = str_of(activities[i].name);
		}
	}
	add_number(out, "class_uid", CLASS);
	json_add_member(out, "class_name", STR("Entity Management"));
	add_number(out, "category_uid", CLASS / 1000);
	json_add_member(out, "category_name", STR("Identity & Access Management"));
	add_number(out, "activity_id", id);
	add_text(out, "activity_name", name);
	add_number(out, "type_uid", CLASS * 100 + id);
}

/* The table's words: success, info, warning, error. */
static void add_status(struct buf *out, struct str status)
{
	bool is_error = str_is(status, "error");
	bool is_warning = str_is(status, "warning");
	int severity = is_error ? 3 : is_warning ? 2 : 1;

	add_number(out, "severity_id", severity);
	json_add_member(out, "severity",
			is_error     ? STR("Medium")
			: is_warning ? STR("Low")
				     : STR("Informational"));
	add_number(out, "status_id", is_error ? 2 : 1);
	json_add_member(out, "status", is_error ? STR("Failure") : STR("Success"));
}

/* A person is a user; every other actor is an application. */
static void add_actor(struct buf *out, const struct db_row *row)
{
	struct str type = row_text(row, 1);
	struct str id = row_text(row, 2);
	struct str name = row_text(row, 3);

	if (str_is(type, "user")) {
		if (id.len == 0 && name.len == 0)
			return; /* erased */
		json_add_name(out, "actor");
		buf_add_text(out, "{\"user\":{\"type_id\":1,\"type\":\"User\"");
		add_text(out, "uid", id);
		add_text(out, "name", name);
		buf_add_text(out, "}}");
		return;
	}
	json_add_name(out, "actor");
	buf_add_char(out, '{');
	add_text(out, "app_uid", id);
	json_add_member(out, "app_name", utf8_cut(name.len ? name : type, MAX_TEXT));
	buf_add_char(out, '}');
}

static void add_entity(struct buf *out, const struct db_row *row)
{
	struct str id = row_text(row, 5);

	json_add_name(out, "entity");
	buf_add_char(out, '{');
	add_text(out, "type", row_text(row, 4));
	json_add_member(out, id.len ? "uid" : "name",
			utf8_cut(id.len ? id : row_text(row, 4), MAX_TEXT));
	buf_add_char(out, '}');
}

static void add_origin(struct buf *out, const struct page *page, const struct db_row *row)
{
	struct uuid id = row_uuid(row, 0);
	char id_text[ID_TEXT_SIZE];
	char team_text[ID_TEXT_SIZE];

	id_format(ID_AUDIT, &id, id_text);
	id_format(ID_TEAM, &page->team, team_text);
	json_add_name(out, "metadata");
	buf_add_text(out, "{\"version\":\"1.3.0\",\"profiles\":[\"host\"],"
			  "\"product\":{\"name\":\"wrenn-events\",\"vendor_name\":\"Wrenn\"}");
	json_add_member(out, "uid", str_of(id_text));
	json_add_member(out, "tenant_uid", str_of(team_text));
	buf_add_char(out, '}');
}

static void add_unmapped(struct buf *out, const struct db_row *row)
{
	struct str metadata = page_metadata(row_text(row, 9));

	json_add_name(out, "unmapped");
	buf_add_char(out, '{');
	add_text(out, "actor_type", row_text(row, 1));
	add_text(out, "action", row_text(row, 6));
	add_text(out, "scope", row_text(row, 7));
	if (metadata.len) {
		json_add_name(out, "metadata");
		json_add_parsed(out, metadata);
	}
	buf_add_char(out, '}');
}

void ocsf_add_row(struct page *page, const struct db_row *row)
{
	struct buf *out = &page->json;

	buf_add_char(out, '{');
	add_activity(out, row_text(row, 6));
	add_number(out, "time", row_time(row, 10) / 1000);
	add_status(out, row_text(row, 8));
	add_actor(out, row);
	add_entity(out, row);
	add_origin(out, page, row);
	add_unmapped(out, row);
	buf_add_text(out, "}\n");
}
