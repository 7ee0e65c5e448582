/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation fails in turn: a request is answered whole, with a 5xx, or not at all, and the
 * connections that follow are served. */
#include "tests/support/raw_request.h"
#include "tests/unit/http/rig.h"

Test(fault, a_request_is_answered_whole_or_refused_and_the_next_is_served)
{
	static const struct raw_request requests[] = {
		{ .method = "GET", .path = "/hello", .body = "" },
		{ .method = "POST", .path = "/echo", .body = "{\"a\":1}" },
		{ .method = "GET", .path = "/things/7?x=%20y", .body = "" },
	};
	struct rig rig;
	int port;

	rig_open(&rig, (struct http_options){ .max_connections = 4 });
	port = http_server_port(rig.server);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		raw_request_starve(&rig.loop, port, &requests[i], 200, NULL, NULL);
		cr_expect_eq(raw_request(&rig.loop, port, &requests[i]), 200);
	}
	rig_close(&rig);
}
