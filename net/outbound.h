/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Outgoing HTTP on libcurl's multi interface, driven by the loop. Connections are kept and
 * reused, names are resolved on libcurl's own threads, redirects are not followed, proxies from
 * the environment are ignored, certificates are verified, http and https are all it speaks.
 *
 * Every connection is shown to the guard twice: when its socket is about to be opened and, so
 * that a reused connection is judged too, right before the request goes out.
 */
#ifndef NET_OUTBOUND_H
#define NET_OUTBOUND_H

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/exchange.h"

struct outbound;
struct outbound_call; /* one request under way; owned by outbound */

struct outbound_options {
	uv_loop_t *loop;
	unsigned max_connections; /* kept open over all hosts */
	const char *user_agent;
	const char *ca_file; /* NULL: the system's; for tests */
};

/* Judges one address; `guard` is the per-request argument of outbound_send(). */
typedef bool (*outbound_guard_fn)(const struct sockaddr *address, const void *guard);

/* The answer and its text die with the callback. Called exactly once for every started call,
 * never from within outbound_send(). */
typedef void (*outbound_done_fn)(const struct answer *answer, void *owner);

int outbound_open(const struct outbound_options *options, struct outbound **out) must_check;

/* Calls under way end as ANSWER_CANCELLED first. Accepts NULL and then does nothing. */
void outbound_close(struct outbound *outbound, void (*on_closed)(void *owner), void *owner);

/* Takes over the content of *request (it is empty afterwards, whatever happens). 0, or -ENOMEM /
 * -EINVAL and on_done will not be called. `guard` must outlive the call. */
int outbound_send(struct outbound *outbound, struct outgoing *request, unsigned timeout_ms,
		  outbound_guard_fn allow, const void *guard, outbound_done_fn on_done, void *owner,
		  struct outbound_call **out) must_check;

/* on_done comes with ANSWER_CANCELLED on a later loop turn. */
void outbound_cancel(struct outbound_call *call);

#endif
