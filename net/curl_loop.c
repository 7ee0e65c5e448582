/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The glue between libcurl's socket interface and libuv.
 *
 * Happy path: libcurl names a socket and what it waits for, a poll handle watches it and reports
 * back, and the owner gets each finished transfer. Failure: a socket that cannot be watched (no
 * memory) is left alone; the owner's deadline ends its transfer. Telling libcurl would make it give
 * up every other transfer as well.
 */
#include "net/curl_loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* One socket libcurl waits for. */
struct watch {
	uv_poll_t poll;
	struct curl_loop *curl;
	curl_socket_t fd;
};

static void close_one(struct curl_loop *curl)
{
	assert(curl->open_handles > 0);
	if (--curl->open_handles == 0)
		curl->on_closed(curl->owner);
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;
	struct curl_loop *curl = watch->curl;

	free(watch);
	close_one(curl);
}

static void on_timer_closed(uv_handle_t *handle)
{
	close_one(handle->data);
}

/* The owner may send from on_done, but cannot destroy the multi handle there: a call is only
 * gone for good once its own timer has closed. */
static void collect_done(struct curl_loop *curl)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(curl->multi, &left)) != NULL) {
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_multi_remove_handle(curl->multi, easy); /* `message` is dead from here on */
		curl->on_done(easy, result, curl->owner);
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	const struct watch *watch = poll->data;
	struct curl_loop *curl = watch->curl;
	int flags = 0;
	int running;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	/* libcurl may drop the watch within this call. */
	curl_multi_socket_action(curl->multi, watch->fd, flags, &running);
	collect_done(curl);
}

static void on_timer(uv_timer_t *timer)
{
	struct curl_loop *curl = timer->data;
	int running;

	curl_multi_socket_action(curl->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect_done(curl);
}

static struct watch *open_watch(struct curl_loop *curl, curl_socket_t fd)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	if (uv_poll_init_socket(curl->loop, &watch->poll, fd) < 0) {
		free(watch);
		return NULL;
	}
	watch->poll.data = watch;
	watch->curl = curl;
	watch->fd = fd;
	curl->open_handles++;
	curl_multi_assign(curl->multi, fd, watch);
	return watch;
}

/* CURLMOPT_SOCKETFUNCTION. */
static int set_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *assigned)
{
	struct curl_loop *curl = owner;
	struct watch *watch = assigned;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (!watch)
			return 0;
		curl_multi_assign(curl->multi, fd, NULL);
		uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
		return 0;
	}
	if (!watch)
		watch = open_watch(curl, fd);
	if (!watch)
		return 0;
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	uv_poll_start(&watch->poll, events, on_poll);
	return 0;
}

/* CURLMOPT_TIMERFUNCTION. Zero means "soon", never "from within this call". */
static int set_timer(CURLM *multi, long timeout_ms, void *owner)
{
	struct curl_loop *curl = owner;

	(void)multi;
	if (uv_is_closing((uv_handle_t *)&curl->timer))
		return 0;
	if (timeout_ms < 0)
		uv_timer_stop(&curl->timer);
	else
		uv_timer_start(&curl->timer, on_timer, (uint64_t)timeout_ms, 0);
	return 0;
}

int curl_loop_init(struct curl_loop *curl, uv_loop_t *loop,
		   void (*on_done)(CURL *easy, CURLcode result, void *owner), void *owner)
{
	curl->multi = curl_multi_init();
	if (!curl->multi)
		return -ENOMEM;
	curl->loop = loop;
	curl->on_done = on_done;
	curl->owner = owner;
	curl->open_handles = 1;
	uv_timer_init(loop, &curl->timer);
	curl->timer.data = curl;
	curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
	curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
	return 0;
}

void curl_loop_close(struct curl_loop *curl, void (*on_closed)(void *owner))
{
	curl->on_closed = on_closed;
	/* Takes back every watched socket, kept connections included. */
	curl_multi_cleanup(curl->multi);
	curl->multi = NULL;
	uv_close((uv_handle_t *)&curl->timer, on_timer_closed);
}
