/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Shows every address that a request would connect to, to the caller's guard. It does so twice:
 * before the socket is opened, and before the request is sent. The second covers a kept connection
 * that an earlier request opened, perhaps under another guard. Part of net/outbound.c.
 */
#ifndef NET_OUTBOUND_GUARD_H
#define NET_OUTBOUND_GUARD_H

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Judges one address; `guard` is the per-request argument of outbound_send(). */
typedef bool (*outbound_guard_fn)(const struct sockaddr *address, const void *guard);

struct outbound_guard {
	outbound_guard_fn allow;
	const void *argument;
	bool is_refused;   /* at least once */
	bool is_connected; /* a connection was made, so the request was sent or refused */
	int socket_error;  /* errno of the last socket; 0: it could be opened */
};

/* Makes libcurl check with *guard before it opens a socket and before it sends the request. *guard
 * must outlive the transfer. */
void outbound_guard_watch(struct outbound_guard *guard, CURL *easy);

#endif
