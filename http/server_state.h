/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of a server. Its unit tests read them, too. */
#ifndef HTTP_SERVER_STATE_H
#define HTTP_SERVER_STATE_H

#include "http/dispatch.h"
#include "http/pool.h"
#include "http/types.h"

struct http_server {
	uv_loop_t *loop;
	struct dispatch dispatch;
	struct pool pool;

	int listen_fd; /* -1 once it no longer listens */
	bool is_kept;  /* the listener, by another process */
	uint16_t port;
	uv_poll_t listener;
	uv_timer_t pause; /* until the next accept, when there was no room for a socket */
	unsigned max_connections;
	struct metric *refused;
	struct metric *accept_faults;

	unsigned open_handles; /* of the loop; the pool counts as one */
	bool closing;
	void (*on_closed)(void *owner);
	void *owner;
};

#endif
