/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation of the loop fails in turn: a valid credential is accepted, or the request gets
 * one 5xx. Running out of memory never refuses a credential. */
#include "tests/support/heap.h"
#include "tests/unit/auth/rig.h"

static void visit_each(struct rig *rig, const struct http_request *like)
{
	unsigned nth = 0;
	bool was_met;

	do {
		struct http_request request = *like;
		int status;

		heap_fail_after(nth);
		status = rig_visit(rig, &request, ACCESS_CHANGE);
		was_met = heap_recover();
		cr_expect(status == 200 || (was_met && status >= 500), "%d without allocation %u",
			  status, nth);
		nth++;
	} while (was_met);
	cr_expect_gt(nth, 1, "nothing was allocated");
}

Test(fault, a_credential_that_is_good_is_never_refused_for_want_of_memory)
{
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_session(&rig, "admin", 3600, 0);
	rig_add_key(&rig, TEAM_UUID, "NULL");
	visit_each(&rig, &(struct http_request){ .method = HTTP_GET, .sid = rig.sid });
	visit_each(&rig, &(struct http_request){ .method = HTTP_GET, .key = API_KEY });
	rig_cache_session(&rig, TEAM_UUID, "admin", 3600);
	visit_each(&rig, &(struct http_request){ .method = HTTP_GET, .sid = rig.sid });
	rig_close(&rig);
}
