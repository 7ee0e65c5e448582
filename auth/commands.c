/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the command line writes where no control plane does (contract f.5): teams, API keys,
 * sessions. Each function is one blocking job in one transaction. Key and cookie exist in clear
 * only in the caller's buffer; the tables get hashes. A fault of the caller's is a sentence in
 * *why.
 */
#include <errno.h>
#include <stdio.h>

#include "auth/lookup.h"
#include "core/clock.h"
#include "core/id.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

#define KEY_BYTES       16
#define PREFIX_SHOWN    10                   /* characters of a key kept for display */
#define SESSION_LIFE_US INT64_C(86400000000) /* 24 h (contract f.2) */
#define LIST_LIMIT      (64ul * 1024 * 1024)
#define MAX_LABEL_SHOWN 256

/* What every command has; the first member of each, so that one function runs them all. */
struct command {
	struct store_job job;
	struct reason why;
	struct uuid team;
	struct str name;
	int64_t now_us;
};

static const struct db_query find_team = {
	.sql = "SELECT deleted_at IS NOT NULL FROM teams WHERE id = $1",
};
static const struct db_query add_team = {
	.sql = "INSERT INTO teams (id, name, slug, created_at) VALUES ($1, $2, $3, $4)",
};
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
static const struct db_query add_user = {
	.sql = "INSERT INTO users (id, email, name, is_admin, status, created_at, updated_at) "
	       "VALUES ($1, $2, $3, $4, 'active', $5, $6)",
};
static const struct db_query add_member = {
	.sql = "INSERT INTO users_teams (user_id, team_id, is_default, role, created_at) "
	       "VALUES ($1, $2, $3, $4, $5)",
};
static const struct db_query add_session = {
	.sql = "INSERT INTO sessions (id, user_id, team_id, csrf_token, user_agent, created_at, "
	       "last_seen_at, expires_at) VALUES ($1, $2, $3, $4, 'wrenn-events', $5, $6, $7)",
};

static int run_command(const char *store_url, struct command *command,
		       int (*run)(struct db *db, struct store_job *job), struct reason *why)
{
	int rc;

	command->job.run = run;
	command->now_us = clock_wall_us();
	rc = store_run_blocking(store_url, &command->job, why);
	if (rc < 0 && why && command->why.text[0])
		*why = command->why;
	return rc;
}

/* A label people will read in lists and in the audit trail: one line of text. */
static int check_label(struct str name, struct reason *why)
{
	struct buf clean;
	bool is_clean;

	if (name.len == 0 || name.len >= sizeof(((struct identity *)NULL)->name))
		return reason_set(why, -EINVAL, "name", "the name must have 1 to 127 bytes");
	buf_init(&clean, 4 * name.len);
	utf8_clean(&clean, name, name.len, false);
	is_clean = !clean.err && str_eq(buf_str(&clean), name);
	buf_done(&clean);
	if (!is_clean)
		return reason_set(why, -EINVAL, "name",
				  "the name must be UTF-8 without control characters");
	return 0;
}

static void random_hex(size_t n, char *out)
{
	uint8_t bytes[SHA256_SIZE];

	random_bytes(bytes, n);
	hex_encode(bytes, n, out);
	explicit_bzero(bytes, sizeof(bytes));
}

/* ---- lists ------------------------------------------------------------------------------ */

struct list_command {
	struct command command;
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

/* Labels come from anywhere; a tab or a line feed in one must not look like a column or a line. */
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
	struct command *command = container_of(job, struct command, job);
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
	rc = run_command(store_url, &list.command, run_list, why);
	if (rc == 0) {
		buf_add_str(out, buf_str(&list.lines));
		rc = out->err;
	}
	buf_done(&list.lines);
	return rc;
}

/* ---- teams ------------------------------------------------------------------------------ */

static int insert_team(struct db *db, const struct uuid *team, struct str name, int64_t now_us)
{
	char halves[2][7];
	char slug[14];

	random_hex(3, halves[0]);
	random_hex(3, halves[1]);
	snprintf(slug, sizeof(slug), "%s-%s", halves[0], halves[1]);

	const struct db_value values[] = { db_uuid(team), db_text(name), db_text(str_of(slug)),
					   db_time(now_us) };

	return db_run_now(db, &add_team, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

struct team_sight {
	bool is_known;
	bool is_deleted;
};

static int on_team(const struct db_row *row, void *arg)
{
	struct team_sight *sight = arg;

	sight->is_known = true;
	sight->is_deleted = row_bool(row, 0);
	return 0;
}

/* An unknown team is added where the tables are ours; where they are the control plane's it is
 * more likely a slip of the pen. */
static int need_team(struct db *db, struct command *command)
{
	const struct db_value id = db_uuid(&command->team);
	struct team_sight sight = { false, false };
	char text[ID_TEXT_SIZE];
	int rc = db_run_now(db, &find_team, &id, 1, on_team, &sight, NULL);

	if (rc < 0)
		return rc;
	id_format(ID_TEAM, &command->team, text);
	if (sight.is_deleted)
		return reason_set(&command->why, -ENOENT, "team", "the team %s is deleted", text);
	if (sight.is_known)
		return 0;
	if (!db_is_embedded(db))
		return reason_set(&command->why, -ENOENT, "team", "there is no team %s", text);
	return insert_team(db, &command->team, str_of(text), command->now_us);
}

static int run_team_create(struct db *db, struct store_job *job)
{
	struct command *command = container_of(job, struct command, job);

	return insert_team(db, &command->team, command->name, command->now_us);
}

int auth_team_create(const char *store_url, struct str name, char team_id[32], struct reason *why)
{
	struct command command = { .name = name };
	int rc = check_label(name, why);

	if (rc < 0)
		return rc;
	uuid_v4(&command.team);
	rc = run_command(store_url, &command, run_team_create, why);
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
	struct command command;
	struct uuid id;
	char key[37];
};

static int run_key_create(struct db *db, struct store_job *job)
{
	struct command *command = container_of(job, struct command, job);
	struct key_create *create = container_of(command, struct key_create, command);
	struct str key = str_of(create->key);
	char hash[SHA256_HEX_SIZE];
	int rc = need_team(db, command);

	if (rc < 0)
		return rc;
	digest_sha256_hex(key, hash);

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
	int rc = check_label(name, why);

	if (rc < 0)
		return rc;
	uuid_v4(&create.id);
	random_hex(KEY_BYTES, create.key + strlen(create.key));
	rc = run_command(store_url, &create.command, run_key_create, why);
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
	struct command command;
	struct uuid id;
};

static int run_key_revoke(struct db *db, struct store_job *job)
{
	struct command *command = container_of(job, struct command, job);
	struct key_revoke *revoke = container_of(command, struct key_revoke, command);
	const struct db_value id = db_uuid(&revoke->id);
	int64_t removed = 0;
	int rc = db_run_now(db, &remove_key, &id, 1, NULL, NULL, &removed);

	if (rc == 0 && removed == 0)
		return reason_set(&command->why, -ENOENT, "key", "there is no such key");
	return rc;
}

int auth_key_revoke(const char *store_url, struct str key_id, struct reason *why)
{
	struct key_revoke revoke = { 0 };

	if (id_parse(ID_KEY, key_id, &revoke.id) < 0)
		return reason_set(why, -EINVAL, "key", "a key id is key- and 25 of 0-9a-z");
	return run_command(store_url, &revoke.command, run_key_revoke, why);
}

/* ---- sessions ---------------------------------------------------------------------------- */

struct session_create {
	struct command command;
	struct uuid user;
	enum team_role role;
	bool platform_admin;
	char sid[65];
	char csrf[65];
};

static int insert_user(struct db *db, const struct session_create *create)
{
	const struct command *command = &create->command;
	char user_id[ID_TEXT_SIZE];
	char email[ID_TEXT_SIZE + 32];

	/* The column is unique and nobody's: .invalid can receive no mail (RFC 2606). */
	id_format(ID_USER, &create->user, user_id);
	snprintf(email, sizeof(email), "%s@wrenn-events.invalid", user_id);

	const struct db_value values[] = {
		db_uuid(&create->user),          db_text(str_of(email)),   db_text(command->name),
		db_bool(create->platform_admin), db_time(command->now_us), db_time(command->now_us),
	};

	return db_run_now(db, &add_user, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

static int insert_member(struct db *db, const struct session_create *create)
{
	static const char *const words[] = {
		[ROLE_MEMBER] = "member",
		[ROLE_ADMIN] = "admin",
		[ROLE_OWNER] = "owner",
	};
	const struct command *command = &create->command;
	const struct db_value values[] = {
		db_uuid(&create->user),
		db_uuid(&command->team),
		db_bool(true),
		db_text(str_of(words[create->role])),
		db_time(command->now_us),
	};

	return db_run_now(db, &add_member, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

static int insert_session(struct db *db, const struct session_create *create)
{
	const struct command *command = &create->command;
	char hash[SHA256_HEX_SIZE];

	digest_sha256_hex(str_of(create->sid), hash);

	const struct db_value values[] = {
		db_text(str_of(hash)),
		db_uuid(&create->user),
		db_uuid(&command->team),
		db_text(str_of(create->csrf)),
		db_time(command->now_us),
		db_time(command->now_us),
		db_time(command->now_us + SESSION_LIFE_US),
	};

	return db_run_now(db, &add_session, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

static int run_session_create(struct db *db, struct store_job *job)
{
	struct command *command = container_of(job, struct command, job);
	struct session_create *create = container_of(command, struct session_create, command);
	int rc = need_team(db, command);

	if (rc == 0)
		rc = insert_user(db, create);
	if (rc == 0)
		rc = insert_member(db, create);
	if (rc == 0)
		rc = insert_session(db, create);
	return rc;
}

int auth_session_create(const char *store_url, const struct uuid *team, struct str name,
			enum team_role role, bool platform_admin, char sid[65], char csrf[65],
			struct reason *why)
{
	struct session_create create = {
		.command = { .team = *team, .name = name },
		.role = role,
		.platform_admin = platform_admin,
	};
	int rc = check_label(name, why);

	if (rc < 0)
		return rc;
	if (role == ROLE_NONE)
		return reason_set(why, -EINVAL, "role", "a session needs a role in its team");
	uuid_v4(&create.user);
	random_hex(SHA256_SIZE, create.sid);
	random_hex(SHA256_SIZE, create.csrf);
	rc = run_command(store_url, &create.command, run_session_create, why);
	if (rc == 0) {
		memcpy(sid, create.sid, sizeof(create.sid));
		memcpy(csrf, create.csrf, sizeof(create.csrf));
	}
	explicit_bzero(create.sid, sizeof(create.sid));
	explicit_bzero(create.csrf, sizeof(create.csrf));
	return rc;
}
