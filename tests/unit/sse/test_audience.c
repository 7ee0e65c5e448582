/* SPDX-License-Identifier: Apache-2.0 */

/* How many listened when an event came. */
#include <criterion/criterion.h>

#include "tests/unit/sse/stage.h"

static struct stage stage;

static void set_up(void)
{
	const struct sse_options options = { .history_bytes = 8000 };

	stage_open(&stage, &options);
	entry_add(&stage, 1, HOST_UP(TEAM_A));
	stage_start(&stage, 1);
}

static void tear_down(void)
{
	stage_close(&stage);
}

TestSuite(audience, .init = set_up, .fini = tear_down);

static void expect(const char *team, const char *id, int status, const char *answer)
{
	char path[128];
	struct client *client;

	snprintf(path, sizeof(path), "/v1/events/%s/listeners", id);
	client = client_open(&stage, team, path, "");
	UNTIL(&stage, client->status && client->text.len > 0);
	cr_expect_eq(client->status, status, "%s of %s", id, team);
	cr_expect(client_has(client, answer), "%s of %s: %.*s", id, team,
		  STR_ARGS(buf_str(&client->text)));
}

Test(audience, is_every_stream_and_wait_of_the_team_at_that_moment)
{
	struct client *leaves;

	entry_publish(&stage, 2, HOST_UP(TEAM_A));
	leaves = client_listen(&stage, TEAM_A, "/v1/events/stream");
	client_listen(&stage, TEAM_A, "/v1/events/stream?outcome=error");
	client_open(&stage, TEAM_A, "/v1/events/wait?event=host.down", "");
	client_listen(&stage, TEAM_B, "/v1/events/stream");
	client_listen(&stage, NULL, "/v1/admin/events/stream");
	UNTIL(&stage, stage.sse->listeners == 5);
	entry_publish(&stage, 3, HOST_UP(TEAM_A));
	client_close(leaves);
	UNTIL(&stage, stage.sse->listeners == 4);
	entry_publish(&stage, 4, HOST_UP(TEAM_A));
	expect(TEAM_A, "1000002-0", 200, "{\"listeners\":0}\n");
	expect(TEAM_A, "1000003-0", 200, "{\"listeners\":3}\n");
	expect(TEAM_A, "1000004-0", 200, "{\"listeners\":2}\n");
}

Test(audience, of_what_was_not_read_live_or_is_another_teams_is_not_known)
{
	client_listen(&stage, TEAM_A, "/v1/events/stream");
	entry_publish(&stage, 2, HOST_UP(TEAM_A));
	cr_assert_not_null(history_find(&stage.sse->history.all, entry_id(1)), "from before");
	expect(TEAM_A, "1000001-0", 200, "{}\n");
	expect(TEAM_A, "1000002-1", 200, "{}\n");
	expect(TEAM_B, "1000002-0", 200, "{}\n");
	expect(TEAM_A, "nonsense", 400, "must look like");
	stage_rest(&stage); /* the team that was only asked about is forgotten again */
}
