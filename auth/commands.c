/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Teams and API keys. A key exists in plaintext only in the caller's buffer; the table gets its
 * hash.
 */
#include "auth/commands.h"

#include <errno.h>
#include <string.h>

#include "auth/command.h"
#include "core/crypto.h"
#include "core/id.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

#define KEY_BYTES       16
#define PREFIX_SHOWN    10 /* characters of a key that lists show */
#define LIST_LIMIT      (64ul * 1024 * 1024)
#define MAX_LABEL_SHOWN 256

static const struct db_query list_teams = {
	.sql = "SELECT id, name, created_at FROM teams WHERE deleted_at IS NULL "
	       "ORDER BY created_at, id",
};
static const struct db_query add_key = {
	.sql = "INSERT INTO team_api_keys (id, team_id, name, key_hash, key_prefix, created_at) "
	       "VALUES ($1, $2, $3, $4, $5, $6)",
};
static const struct db_query list_keys = {
	.sql = "SELECT id, team_id, key_prefix, name, created_at, last_used FROM team_api_keys "
	       "ORDER BY created_at, id",
};
static const struct db_query remove_key = {
	.sql = "DELETE FROM team_api_keys WHERE id = $1",
};

/* ---- lists ------------------------------------------------------------------------------ */

struct list_command {
	struct auth_command command;
	const struct db_query *query;
	db_row_fn on_row;
	struct buf lines;
};

static void add_column(struct buf *out, const char *text)
{
	buf_add_text(out, text);
	buf_add_char(out, '\t');
}

static void add_id(struct buf *out, enum id_kind kind, struct uuid id)
{
	char text[ID_TEXT_SIZE];

	id_format(kind, &id, text);
	add_column(out, text);
}

/* Anybody may choose a label. A tab or a line feed in it must not look like a column or a line. */
static void add_label(struct buf *out, struct str label)
{
	struct buf clean;

	buf_init(&clean, MAX_LABEL_SHOWN);
	utf8_clean(&clean, label, MAX_LABEL_SHOWN, false);
	buf_add_str(out, buf_str(&clean));
	buf_add_char(out, '\t');
	buf_done(&clean);
}

static int run_list(struct db *db, struct store_job *job)
{
	struct auth_command *command = container_of(job, struct auth_command, job);
	struct list_command *list = container_of(command, struct list_command, command);

	buf_reset(&list->lines);
	return db_run_now(db, list->query, NULL, 0, list->on_row, &list->lines, NULL);
}

static int write_list(const char *store_url, const struct db_query *query, db_row_fn on_row,
		      struct buf *out, struct reason *why)
{
	struct list_command list = { .query = query, .on_row = on_row };
	int rc;

	buf_init(&list.lines, LIST_LIMIT);
	rc = command_run(store_url, &list.command, run_list, why);
	if (rc == 0) {
		buf_add_str(out, buf_str(&list.lines));
		rc = out->err;
	}
	buf_done(&list.lines);
	return rc;
}

/* ---- teams ------------------------------------------------------------------------------ */

static int run_team_create(struct db *db, struct store_job *job)
{
	struct auth_command *command = container_of(job, struct auth_command, job);

	return command_add_team(db, &command->team, command->name, command->now_us);
}

int auth_team_create(const char *store_url, struct str name, char team_id[32], struct reason *why)
{
	struct auth_command command = { .name = name };
	int rc = command_check_name(name, why);

	if (rc < 0)
		return rc;
	uuid_v4(&command.team);
	rc = command_run(store_url, &command, run_team_create, why);
	if (rc == 0)
		id_format(ID_TEAM, &command.team, team_id);
	return rc;
}

static int on_listed_team(const struct db_row *row, void *arg)
{
	struct buf *out = arg;
	char time_text[RFC3339_TEXT_SIZE];

	add_id(out, ID_TEAM, row_uuid(row, 0));
	add_label(out, row_text(row, 1));
	rfc3339_format(row_time(row, 2), 0, time_text);
	buf_add_text(out, time_text);
	buf_add_char(out, '\n');
	return out->err;
}

int auth_team_list(const char *store_url, struct buf *out, struct reason *why)
{
	return write_list(store_url, &list_teams, on_listed_team, out, why);
}

/* ---- keys ---------------------------------------------------------------------------------- */

struct key_create {
	struct auth_command command;
	struct uuid id;
	char key[37];
};

static int run_key_create(struct db *db, struct store_job *job)
{
	struct auth_command *command = container_of(job, struct auth_command, job);
	struct key_create *create = container_of(command, struct key_create, command);
	struct str key = str_of(create->key);
	char hash[SHA256_HEX_SIZE];
	int rc = command_need_team(db, command);

	if (rc < 0)
		return rc;
	crypto_sha256_hex(key, hash);

	const struct db_value values[] = {
		db_uuid(&create->id),
		db_uuid(&command->team),
		db_text(command->name),
		db_text(str_of(hash)),
		db_text((struct str){ .at = key.at, .len = PREFIX_SHOWN }),
		db_time(command->now_us),
	};

	return db_run_now(db, &add_key, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int auth_key_create(const char *store_url, const struct uuid *team, struct str name, char key[37],
		    char key_id[32], struct reason *why)
{
	struct key_create create = { .command = { .team = *team, .name = name }, .key = "wrn_" };
	int rc = command_check_name(name, why);

	if (rc < 0)
		return rc;
	uuid_v4(&create.id);
	command_random_hex(KEY_BYTES, create.key + strlen(create.key));
	rc = command_run(store_url, &create.command, run_key_create, why);
	if (rc == 0) {
		memcpy(key, create.key, sizeof(create.key));
		id_format(ID_KEY, &create.id, key_id);
	}
	explicit_bzero(create.key, sizeof(create.key));
	return rc;
}

static int on_key(const struct db_row *row, void *arg)
{
	struct buf *out = arg;
	char time_text[RFC3339_TEXT_SIZE];

	add_id(out, ID_KEY, row_uuid(row, 0));
	add_id(out, ID_TEAM, row_uuid(row, 1));
	add_label(out, row_text(row, 2));
	add_label(out, row_text(row, 3));
	rfc3339_format(row_time(row, 4), 0, time_text);
	add_column(out, time_text);
	rfc3339_format(row_time(row, 5), 0, time_text);
	buf_add_text(out, row_is_null(row, 5) ? "never" : time_text);
	buf_add_char(out, '\n');
	return out->err;
}

int auth_key_list(const char *store_url, struct buf *out, struct reason *why)
{
	return write_list(store_url, &list_keys, on_key, out, why);
}

struct key_revoke {
	struct auth_command command;
	struct uuid id;
};

static int run_key_revoke(struct db *db, struct store_job *job)
{
	struct auth_command *command = container_of(job, struct auth_command, job);
	struct key_revoke *revoke = container_of(command, struct key_revoke, command);
	const struct db_value id = db_uuid(&revoke->id);
	int64_t removed = 0;
	int rc = db_run_now(db, &remove_key, &id, 1, NULL, NULL, &removed);

	if (rc == 0 && removed == 0)
		return reason_set(&command->why, -ENOENT, "key",
				  "no such key; 'keys list' shows the ids");
	return rc;
}

int auth_key_revoke(const char *store_url, struct str key_id, struct reason *why)
{
	struct key_revoke revoke = { 0 };

	if (id_parse(ID_KEY, key_id, &revoke.id) < 0)
		return reason_set(why, -EINVAL, "key",
				  "a key id is \"key-\" and 25 characters of 0-9a-z");
	return command_run(store_url, &revoke.command, run_key_revoke, why);
}
