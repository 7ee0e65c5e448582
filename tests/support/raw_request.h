/* SPDX-License-Identifier: Apache-2.0 */

/* Requests whose client takes no memory of the heap, so that every allocation that fails is the
 * server's. The server runs on the same loop. */
#ifndef TESTS_SUPPORT_RAW_REQUEST_H
#define TESTS_SUPPORT_RAW_REQUEST_H

#include <uv.h>

struct raw_request {
	const char *method;
	const char *path;
	const char *team; /* NULL: without the header */
	const char *body;
};

/* Sends it on a connection of its own. Returns the status; 0 when the connection ended without an
 * answer. */
int raw_request(uv_loop_t *loop, int port, const struct raw_request *request);

/* Sends it with the server's first allocation failing, then with its second, and so on until one
 * has enough, which must be answered with `status`. The others are, too, or with a 5xx, or not at
 * all. `check` runs after each with its status; it may be NULL. */
void raw_request_starve(uv_loop_t *loop, int port, const struct raw_request *request, int status,
			void (*check)(int status, void *owner), void *owner);

#endif
