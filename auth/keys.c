/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One read finds the key of a hash. The database compares hashes only, so the time of the
 * comparison reveals nothing about a key. A key of a deleted team, or of a creator who is no longer
 * active, counts as unknown.
 */
#include "auth/keys.h"

#include <string.h>

#include "core/utf8.h"

static const struct db_query read_key = {
	.sql = "SELECT k.id, k.team_id, k.name, k.last_used "
	       "FROM team_api_keys k JOIN teams t ON t.id = k.team_id "
	       "LEFT JOIN users u ON u.id = k.created_by "
	       "WHERE k.key_hash = $1 AND t.deleted_at IS NULL "
	       "AND (k.created_by IS NULL OR (u.status = 'active' AND u.deleted_at IS NULL))",
};

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

int key_read(struct db *db, struct found *found)
{
	const struct db_value hash = db_text(str_of(found->identity.credential_hash));

	return db_run_now(db, &read_key, &hash, 1, on_key, found, NULL);
}
