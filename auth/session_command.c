/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A session with a user and a membership of its own. Cookie and CSRF token exist in plaintext only
 * in the caller's buffers; the table gets the hash of the cookie.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/command.h"
#include "auth/commands.h"
#include "core/crypto.h"
#include "core/id.h"

#define SESSION_LIFE_US INT64_C(86400000000) /* 24 h (contract f.2) */

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

struct session_create {
	struct auth_command command;
	struct uuid user;
	enum team_role role;
	bool platform_admin;
	char sid[65];
	char csrf[65];
};

static int insert_user(struct db *db, const struct session_create *create)
{
	const struct auth_command *command = &create->command;
	char user_id[ID_TEXT_SIZE];
	char email[ID_TEXT_SIZE + 32];

	/* The column is unique. No address under .invalid receives mail (RFC 2606). */
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
	const struct auth_command *command = &create->command;
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
	const struct auth_command *command = &create->command;
	char hash[SHA256_HEX_SIZE];

	crypto_sha256_hex(str_of(create->sid), hash);

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
	struct auth_command *command = container_of(job, struct auth_command, job);
	struct session_create *create = container_of(command, struct session_create, command);
	int rc = command_need_team(db, command);

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
	int rc = command_check_name(name, why);

	if (rc < 0)
		return rc;
	if (role == ROLE_NONE)
		return reason_set(why, -EINVAL, "role",
				  "a session needs a role in its team: member, admin or owner");
	uuid_v4(&create.user);
	command_random_hex(SHA256_SIZE, create.sid);
	command_random_hex(SHA256_SIZE, create.csrf);
	rc = command_run(store_url, &create.command, run_session_create, why);
	if (rc == 0) {
		memcpy(sid, create.sid, sizeof(create.sid));
		memcpy(csrf, create.csrf, sizeof(create.csrf));
	}
	explicit_bzero(create.sid, sizeof(create.sid));
	explicit_bzero(create.csrf, sizeof(create.csrf));
	return rc;
}
