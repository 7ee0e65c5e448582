/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation of the loop fails in turn while an endpoint works: the answer is whole, or it is
 * a 5xx, or there is none; and what was answered with success was stored. */
#include "tests/support/calls.h"
#include "tests/support/raw_request.h"

#define BODY                                                                                       \
	"{\"name\":\"ops\",\"provider\":\"webhook\",\"config\":{\"url\":\"http://127.0.0.1:9/\"}," \
	"\"events\":[\"host.down\"]}"

static const struct rig_options options = { .no_delivery = true };

static void starve(struct rig *rig, const char *method, const char *path, const char *body,
		   int status, void (*check)(int status, void *owner))
{
	const struct raw_request request = {
		.method = method, .path = path, .team = TEAM_A, .body = body
	};

	raw_request_starve(&rig->loop, http_server_port(rig->server), &request, status, check, rig);
}

/* One channel at most, with its row in the trail, and then none for the next try. */
static void check_created(int status, void *owner)
{
	int64_t channels = rig_ask(owner, "SELECT count(*) FROM channels");

	cr_expect(channels == 1 || (channels == 0 && status != 201), "%lld channels after %d",
		  (long long)channels, status);
	cr_expect_eq(rig_ask(owner, "SELECT count(*) FROM audit_logs"), channels);
	rig_ask(owner, "DELETE FROM channels");
	rig_ask(owner, "DELETE FROM audit_logs");
}

Test(fault, a_channel_is_made_with_its_audit_row_or_not_at_all)
{
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &options);
	starve(&rig, "POST", "/v1/channels", BODY, 201, check_created);
	rig_close(&rig);
}

Test(fault, what_reads_or_changes_a_channel_answers_whole_or_refuses)
{
	char path[CALL_PATH_SIZE];
	char settings[CALL_PATH_SIZE + 16];
	char enabling[CALL_PATH_SIZE + 16];
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &options);
	call_create(&rig, BODY, path);
	snprintf(settings, sizeof(settings), "%s/config", path);
	snprintf(enabling, sizeof(enabling), "%s/enable", path);
	starve(&rig, "GET", "/v1/channels", "", 200, NULL);
	starve(&rig, "GET", path, "", 200, NULL);
	starve(&rig, "PATCH", path, "{\"name\":\"other\",\"events\":[\"host.up\"]}", 200, NULL);
	starve(&rig, "PUT", settings, "{\"config\":{}}", 200, NULL);
	starve(&rig, "POST", enabling, "{}", 200, NULL);
	cr_expect_eq(call(&rig, "GET", path, ""), 200, "%s", call_answer);
	cr_expect(strstr(call_answer, "\"name\":\"other\""), "%s", call_answer);
	rig_close(&rig);
}
