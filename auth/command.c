/* SPDX-License-Identifier: Apache-2.0 */

/* A job's own sentence about a fault replaces the store's. */
#include "auth/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/crypto.h"
#include "core/id.h"
#include "core/identity.h"
#include "core/utf8.h"

static const struct db_query find_team = {
	.sql = "SELECT deleted_at IS NOT NULL FROM teams WHERE id = $1",
};
static const struct db_query add_team = {
	.sql = "INSERT INTO teams (id, name, slug, created_at) VALUES ($1, $2, $3, $4)",
};

int command_run(const char *store_url, struct auth_command *command,
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

int command_check_name(struct str name, struct reason *why)
{
	struct buf clean;
	bool is_clean;

	if (name.len == 0 || name.len >= sizeof(((struct identity *)NULL)->name))
		return reason_set(why, -EINVAL, "name", "expected a name of 1 to 127 bytes");
	buf_init(&clean, 4 * name.len);
	utf8_clean(&clean, name, name.len, false);
	is_clean = !clean.err && str_eq(buf_str(&clean), name);
	buf_done(&clean);
	if (!is_clean)
		return reason_set(why, -EINVAL, "name",
				  "expected a name in UTF-8 without control characters");
	return 0;
}

void command_random_hex(size_t n, char *out)
{
	uint8_t bytes[SHA256_SIZE];

	random_bytes(bytes, n);
	hex_encode(bytes, n, out);
	explicit_bzero(bytes, sizeof(bytes));
}

int command_add_team(struct db *db, const struct uuid *team, struct str name, int64_t now_us)
{
	char halves[2][7];
	char slug[14];

	command_random_hex(3, halves[0]);
	command_random_hex(3, halves[1]);
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

int command_need_team(struct db *db, struct auth_command *command)
{
	const struct db_value id = db_uuid(&command->team);
	struct team_sight sight = { false, false };
	char text[ID_TEXT_SIZE];
	int rc = db_run_now(db, &find_team, &id, 1, on_team, &sight, NULL);

	if (rc < 0)
		return rc;
	id_format(ID_TEAM, &command->team, text);
	if (sight.is_deleted)
		return reason_set(&command->why, -ENOENT, "team", "team %s is deleted", text);
	if (sight.is_known)
		return 0;
	if (!db_is_embedded(db))
		return reason_set(&command->why, -ENOENT, "team", "there is no team %s", text);
	return command_add_team(db, &command->team, str_of(text), command->now_us);
}
