/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One epoll inside the loop's own. Each turn reports at most one batch, so that everything else on
 * the loop gets its turn, too. A connection may be closed by another one of the same batch; its
 * memory still exists, so it must check.
 */
#include "http/poller.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 256

bool poller_take(struct poller *poller)
{
	struct epoll_event ready[BATCH];
	int count = epoll_wait(poller->epoll, ready, BATCH, 0);

	for (int i = 0; i < count; i++)
		poller->on_ready(ready[i].data.ptr, ready[i].events);
	return count == BATCH;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	(void)events;
	if (status == 0)
		(void)poller_take(handle->data);
}

int poller_init(struct poller *poller, void (*on_ready)(void *owner, uint32_t events))
{
	poller->on_ready = on_ready;
	poller->epoll = epoll_create1(EPOLL_CLOEXEC);
	return poller->epoll < 0 ? -errno : 0;
}

void poller_done(struct poller *poller)
{
	close(poller->epoll);
}

void poller_start(struct poller *poller, uv_loop_t *loop)
{
	int rc = uv_poll_init(loop, &poller->handle, poller->epoll);

	poller->handle.data = poller;
	if (rc == 0)
		rc = uv_poll_start(&poller->handle, UV_READABLE, on_poll);
	assert(rc == 0); /* it fails only for bad handles */
}

int poller_change(struct poller *poller, int fd, void *owner, uint32_t from, uint32_t to)
{
	struct epoll_event event = { .events = to, .data.ptr = owner };
	int operation = EPOLL_CTL_MOD;

	if (from == 0)
		operation = EPOLL_CTL_ADD;
	else if (to == 0)
		operation = EPOLL_CTL_DEL;
	return epoll_ctl(poller->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

void poller_close(struct poller *poller, uv_close_cb on_closed)
{
	uv_close((uv_handle_t *)&poller->handle, on_closed);
	close(poller->epoll);
}
