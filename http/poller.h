/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The events of all connections, in one epoll that is a single handle of the loop. A loop handle
 * per connection would cost 160 bytes, and seven more system calls for each stream that opens.
 */
#ifndef HTTP_POLLER_H
#define HTTP_POLLER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"

struct poller {
	int epoll;
	uv_poll_t handle;
	void (*on_ready)(void *owner, uint32_t events);
};

/* 0 or a negative errno. */
int poller_init(struct poller *poller, void (*on_ready)(void *owner, uint32_t events)) must_check;
void poller_done(struct poller *poller); /* for a poller that was never started */
void poller_start(struct poller *poller, uv_loop_t *loop);

/* Reports a batch of ready sockets now instead of on the next turn. True when there may be more. Do
 * not call it from on_ready. */
bool poller_take(struct poller *poller);

/* Changes the events to wait for; 0 removes the socket. on_ready gets `owner`, whose memory must
 * stay until the loop's next turn. 0 or a negative errno, which only adding can give. */
int poller_change(struct poller *poller, int fd, void *owner, uint32_t from,
		  uint32_t to) must_check;

/* Call after every socket was removed or closed. */
void poller_close(struct poller *poller, uv_close_cb on_closed);

#endif
