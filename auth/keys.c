/* SPDX-License-Identifier: Apache-2.0 */

/*
 * API keys (contract f.1): their form, and one read that says whom a hash stands for. Only the hash
 * is ever compared, by the database, so nothing here depends on the time a comparison takes. A key
 * of a deleted team, or made by a user who is no longer active, is as unknown as one that never
 * was.
 */
#include "auth/lookup.h"
#include "core/utf8.h"

#define KEY_DIGITS 32

static const struct db_query read_key = {
	.sql = "SELECT k.id, k.team_id, k.name, k.last_used "
	       "FROM team_api_keys k JOIN teams t ON t.id = k.team_id "
	       "LEFT JOIN users u ON u.id = k.created_by "
	       "WHERE k.key_hash = $1 AND t.deleted_at IS NULL "
	       "AND (k.created_by IS NULL OR (u.status = 'active' AND u.deleted_at IS NULL))",
};

static bool is_lower_hex(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!((text.at[i] >= '0' && text.at[i] <= '9') ||
		      (text.at[i] >= 'a' && text.at[i] <= 'f')))
			return false;
	return true;
}

bool key_is_well_formed(struct str key)
{
	struct str prefix = STR("wrn_");

	return key.len == prefix.len + KEY_DIGITS && str_starts(key, prefix) &&
	       is_lower_hex(str_from(key, prefix.len));
}

static int on_key(const struct db_row *row, void *arg)
{
	struct found *found = arg;
	struct identity *who = &found->identity;
	struct str name = utf8_cut(row_text(row, 2), sizeof(who->name) - 1);

	found->rc = 0;
	found->has_row = true;
	found->last_use_us = row_time(row, 3);
	who->has_team = true;
	who->actor = row_uuid(row, 0);
	who->team = row_uuid(row, 1);
	who->role = ROLE_ADMIN;
	memcpy(who->name, name.at, name.len);
	return 0;
}

int key_read(struct db *db, struct lookup *lookup)
{
	const struct db_value hash = db_text(str_of(lookup->hash));

	return db_run_now(db, &read_key, &hash, 1, on_key, &lookup->found, NULL);
}
