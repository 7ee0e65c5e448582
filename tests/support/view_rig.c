/* SPDX-License-Identifier: Apache-2.0 */

/* Inserts rows that a test needs. */
#include "tests/support/view_rig.h"

#include <stdio.h>

#include "core/id.h"

#define DELIVERY "aaaaaaaa-0000-4000-8000-%012d"

const char *path_of(const char *channel, const char *rest)
{
	static char path[256];
	char text[ID_TEXT_SIZE];
	struct uuid id;

	cr_assert_eq(uuid_parse(str_of(channel), &id), 0);
	id_format(ID_CHANNEL, &id, text);
	snprintf(path, sizeof(path), "/v1/channels/%s%s", text, rest);
	return path;
}

void add_quiet_channel(struct rig *rig, const char *id, const char *team, const char *kinds)
{
	rig_add_channel(rig, id, team, "hook", kinds);
	rig_ask(rig,
		"UPDATE channels SET created_at = '2020-01-01T00:00:00.000000Z' WHERE id = '%s'",
		id);
	rig_ask(rig,
		"INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
		"VALUES ('%s', 'other', '2999-01-01T00:00:00.000000Z', "
		"'2027-01-01T00:00:00.000000Z')",
		id);
}

void add_row(struct rig *rig, const char *channel, const char *team, int number, const char *state)
{
	const char *payload = strncmp(rig->database.url, "sqlite", 6) == 0 ? "X'7b2261223a317d'"
									   : "'\\x7b2261223a317d'";

	rig_ask(rig,
		"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
		"channel_id, event, outcome, resource, payload, state, attempts, "
		"next_attempt_at, created_at, updated_at, last_status, last_error) "
		"VALUES ('" DELIVERY "', '%d-0', %d, 0, '%s', '%s', '%s', 'success', 'cl-1', "
		"%s, '%s', 3, '2027-01-15T07:00:00.000000Z', "
		"'2027-01-15T07:00:%02d.123456Z', '2027-01-15T07:00:00.000000Z', 500, 'it said "
		"no')",
		number, number, number, team, channel, number % 2 ? "capsule.create" : "host.down",
		payload, state, number);
}
