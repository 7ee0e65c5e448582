/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs a libcurl multi handle on the loop: its sockets become polls, its timer a timer.
 * Internal to net/. Nothing here calls back from within the owner's own calls into libcurl, so
 * a transfer that fails at once still fails on a later loop turn.
 */
#ifndef NET_CURL_LOOP_H
#define NET_CURL_LOOP_H

#include <curl/curl.h>
#include <uv.h>

#include "core/attributes.h"

struct curl_loop {
	CURLM *multi;
	uv_loop_t *loop;
	uv_timer_t timer;
	unsigned open_handles; /* the timer and the watched sockets that are not closed yet */
	/* A transfer has ended and left the multi handle. May start and remove transfers. */
	void (*on_done)(CURL *easy, CURLcode result, void *owner);
	void (*on_closed)(void *owner);
	void *owner;
};

/* 0 or -ENOMEM. */
int curl_loop_init(struct curl_loop *curl, uv_loop_t *loop,
		   void (*on_done)(CURL *easy, CURLcode result, void *owner),
		   void *owner) must_check;

/* Only when no transfer is left. The memory may be freed once on_closed is called. */
void curl_loop_close(struct curl_loop *curl, void (*on_closed)(void *owner));

#endif
