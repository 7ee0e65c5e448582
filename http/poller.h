/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What all connections wait for, in an epoll of the server's own that is one handle of the loop. A handle
 * per connection would cost 160 bytes each and, on the way to an open stream, seven calls of the
 * kernel more.
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
void poller_done(struct poller *poller); /* of one that was never started */
void poller_start(struct poller *poller, uv_loop_t *loop);

/* Tells of a batch of what is ready now rather than when the loop comes around. True: there may be
 * more. Not from within on_ready. */
bool poller_take(struct poller *poller);

/* Changes what is waited for; 0 takes the socket out. on_ready is called with `owner`, which must not go
 * before the loop's next turn. 0 or a negative errno, which only adding can give. */
int poller_change(struct poller *poller, int fd, void *owner, uint32_t from,
		  uint32_t to) must_check;

/* No socket is in it any more. */
void poller_close(struct poller *poller, uv_close_cb on_closed);

#endif
