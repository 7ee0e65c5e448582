/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The copy in Redis may decide user, team and role, as it does for the control plane. It never
 * decides that a team still exists or that a user is an administrator: each lookup reads that from
 * the tables. A session that is missing or unreadable in Redis is read from the tables as a whole.
 * There the user must be active, the membership current, and the last use less than six hours ago.
 */
#include "auth/sessions.h"

#include <errno.h>
#include <string.h>

#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

#define MAX_CACHED 16384 /* bytes of JSON */

static const struct db_query read_cached = {
	.sql = "SELECT EXISTS (SELECT 1 FROM teams WHERE id = $1 AND deleted_at IS NULL), "
	       "EXISTS (SELECT 1 FROM users WHERE id = $2 AND is_admin AND status = 'active' "
	       "AND deleted_at IS NULL), "
	       "(SELECT last_seen_at FROM sessions WHERE id = $3)",
};

static const struct db_query read_table = {
	.sql = "SELECT s.user_id, t.id, m.role, u.name, s.csrf_token, u.is_admin, s.expires_at, "
	       "s.last_seen_at FROM sessions s JOIN users u ON u.id = s.user_id "
	       "LEFT JOIN teams t ON t.id = s.team_id AND t.deleted_at IS NULL "
	       "LEFT JOIN users_teams m ON m.team_id = s.team_id AND m.user_id = s.user_id "
	       "WHERE s.id = $1 AND u.status = 'active' AND u.deleted_at IS NULL",
};

static const struct {
	const char *word;
	enum team_role role;
} roles[] = {
	{ "owner", ROLE_OWNER },
	{ "admin", ROLE_ADMIN },
	{ "member", ROLE_MEMBER },
	{ "", ROLE_NONE },
};

static bool read_role(const char *word, enum team_role *out)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (strcmp(word, roles[i].word) == 0) {
			*out = roles[i].role;
			return true;
		}
	return false;
}

/* The all-zero id belongs to the platform, and a lost team looks the same once it is formatted
 * (W4). So no session acts for it. No role means no membership. */
static bool is_team_of(const struct uuid *team, enum team_role role)
{
	return role != ROLE_NONE && !uuid_is_zero(team);
}

/* ---- the copy in Redis ------------------------------------------------------------------- */

/* Members that we do not use must have the right types, too. Otherwise the control plane did not
 * write this object. */
static bool has_sound_types(const cJSON *object)
{
	static const char *const texts[] = { "id",         "user_id", "csrf",        "email",
					     "name",       "role",    "created_at",  "expires_at",
					     "user_agent", "ip",      "last_seen_at" };
	static const char *const times[] = { "created_at", "expires_at", "last_seen_at" };
	const cJSON *is_admin = json_get(object, "is_admin");
	int64_t us;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const cJSON *member = json_get(object, texts[i]);

		if (member && !cJSON_IsString(member))
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		const char *text = json_get_string(object, times[i]);

		if (text && rfc3339_parse(str_of(text), &us) < 0)
			return false;
	}
	return !is_admin || cJSON_IsBool(is_admin);
}

static bool read_team(const cJSON *object, struct session *out)
{
	const cJSON *team = json_get(object, "team_id");

	if (!team || cJSON_IsNull(team))
		return true;
	if (!cJSON_IsString(team) || uuid_parse(str_of(team->valuestring), &out->team) < 0)
		return false;
	out->has_team = is_team_of(&out->team, out->role);
	return true;
}

static bool read_members(const cJSON *object, struct str hash, struct session *out)
{
	const char *id = json_get_string(object, "id");
	const char *user = json_get_string(object, "user_id");
	const char *csrf = json_get_string(object, "csrf");
	const char *role = json_get_string(object, "role");
	const char *expires = json_get_string(object, "expires_at");
	struct str name = utf8_cut(str_of(json_get_string(object, "name")), sizeof(out->name) - 1);

	if (!id || !user || !csrf || !role || !expires)
		return false;
	if (!str_is(hash, id) || strlen(csrf) >= sizeof(out->csrf))
		return false;
	if (uuid_parse(str_of(user), &out->user) < 0 || !read_role(role, &out->role))
		return false;
	if (rfc3339_parse(str_of(expires), &out->expires_us) < 0)
		return false;
	memcpy(out->name, name.at, name.len);
	memcpy(out->csrf, csrf, strlen(csrf));
	return read_team(object, out);
}

int session_parse(struct str json, struct str hash, struct session *out)
{
	struct session session = { 0 };
	cJSON *object = NULL;
	int rc = json_parse_foreign(json, MAX_CACHED, &object, NULL);

	if (rc < 0)
		return rc == -ENOMEM ? rc : -EINVAL;
	if (cJSON_IsObject(object) && has_sound_types(object) &&
	    read_members(object, hash, &session))
		*out = session;
	else
		rc = -EINVAL;
	cJSON_Delete(object);
	return rc;
}

static int on_cached_row(const struct db_row *row, void *arg)
{
	struct found *found = arg;

	found->rc = 0;
	found->identity.has_team = row_bool(row, 0);
	found->is_admin = row_bool(row, 1);
	found->has_row = !row_is_null(row, 2);
	found->last_use_us = row_time(row, 2);
	return 0;
}

int session_read_cached(struct db *db, const struct session *cached, struct found *found)
{
	struct identity *who = &found->identity;
	const struct db_value values[] = {
		db_uuid(&cached->team),
		db_uuid(&cached->user),
		db_text(str_of(who->credential_hash)),
	};
	int rc =
		db_run_now(db, &read_cached, values, ARRAY_LEN(values), on_cached_row, found, NULL);

	who->has_team = who->has_team && cached->has_team;
	who->actor = cached->user;
	if (who->has_team) {
		who->team = cached->team;
		who->role = cached->role;
	}
	who->expires_us = cached->expires_us;
	memcpy(who->name, cached->name, sizeof(who->name));
	memcpy(who->csrf, cached->csrf, sizeof(who->csrf));
	return rc;
}

/* ---- the tables ------------------------------------------------------------------------- */

static int on_table_row(const struct db_row *row, void *arg)
{
	struct found *found = arg;
	struct identity *who = &found->identity;
	struct str name = utf8_cut(row_text(row, 3), sizeof(who->name) - 1);
	struct str csrf = row_text(row, 4);
	struct str role = row_text(row, 2);
	struct uuid team = row_uuid(row, 1);

	who->expires_us = row_time(row, 6);
	found->last_use_us = row_time(row, 7);
	if (who->expires_us <= found->asked_us ||
	    found->last_use_us < found->asked_us - SESSION_IDLE_US)
		return 0;

	found->rc = 0;
	found->has_row = true;
	found->is_admin = row_bool(row, 5);
	who->actor = row_uuid(row, 0);
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (str_is(role, roles[i].word))
			who->role = roles[i].role;
	who->has_team = is_team_of(&team, who->role);
	if (who->has_team)
		who->team = team;
	else
		who->role = ROLE_NONE;
	memcpy(who->name, name.at, name.len);
	/* The control plane makes no token that long; left empty, it equals nothing. */
	if (csrf.len < sizeof(who->csrf))
		memcpy(who->csrf, csrf.at, csrf.len);
	return 0;
}

int session_read_table(struct db *db, struct found *found)
{
	const struct db_value hash = db_text(str_of(found->identity.credential_hash));

	return db_run_now(db, &read_table, &hash, 1, on_table_row, found, NULL);
}
