/* SPDX-License-Identifier: Apache-2.0 */

/* One row of the control plane's table. */
#include "channels/team_name.h"

#include "core/utf8.h"

static const struct db_query read_team = {
	.sql = "SELECT name FROM teams WHERE id = $1",
};

static int on_team(const struct db_row *row, void *arg)
{
	buf_add_str(arg, utf8_cut(row_text(row, 0), TEAM_NAME_MAX));
	return 0;
}

int team_name_read(struct db *db, const struct uuid *team, struct buf *out)
{
	const struct db_value value = db_uuid(team);

	buf_reset(out);
	return db_run_now(db, &read_team, &value, 1, on_team, out, NULL);
}
