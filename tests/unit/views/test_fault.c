/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation of the loop fails in turn while an endpoint reads or requeues deliveries: the
 * answer is whole, or it is a 5xx, or there is none. */
#include "tests/support/raw_request.h"
#include "tests/support/view_rig.h"

static const struct rig_options options = { .no_delivery = true };

static void starve(struct rig *rig, const char *method, const char *path, int status,
		   void (*check)(int status, void *owner))
{
	const struct raw_request request = {
		.method = method, .path = path, .team = TEAM_A, .body = ""
	};

	raw_request_starve(&rig->loop, http_server_port(rig->server), &request, status, check, rig);
}

/* Requeued if it was answered so; then it has failed again, for the next try. */
static void check_requeued(int status, void *owner)
{
	int64_t pending = rig_ask(owner, "SELECT count(*) FROM deliveries WHERE state = 'pending'");

	cr_expect(pending == 1 || status != 202, "%lld after %d", (long long)pending, status);
	rig_ask(owner, "UPDATE deliveries SET state = 'failed', requeued_at = NULL, "
		       "attempts_before = 0");
}

Test(fault, what_shows_or_requeues_deliveries_answers_whole_or_refuses)
{
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &options);
	add_quiet_channel(&rig, CHANNEL_1, TEAM_A, "capsule.create");
	add_row(&rig, CHANNEL_1, TEAM_A, 1, "failed");
	starve(&rig, "GET", path_of(CHANNEL_1, "/deliveries?state=failed"), 200, NULL);
	starve(&rig, "GET", path_of(CHANNEL_1, "/health"), 200, NULL);
	starve(&rig, "GET", "/v1/deliveries/" DELIVERY_1, 200, NULL);
	starve(&rig, "POST", "/v1/deliveries/" DELIVERY_1 "/redeliver", 202, check_requeued);
	rig_close(&rig);
}
