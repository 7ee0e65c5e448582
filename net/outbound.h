/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Outgoing HTTP and HTTPS on libcurl's multi interface, driven by the loop. It keeps and reuses
 * connections, resolves names on libcurl's own threads, verifies certificates, follows no
 * redirects and ignores the proxies of the environment.
 *
 * A guard of the caller sees every address twice (net/outbound_guard.h).
 */
#ifndef NET_OUTBOUND_H
#define NET_OUTBOUND_H

#include <uv.h>

#include "core/attributes.h"
#include "core/exchange.h"
#include "net/outbound_guard.h"

struct outbound;
struct outbound_call; /* one request under way; owned by outbound */

struct outbound_options {
	uv_loop_t *loop;
	unsigned max_connections; /* kept open over all hosts */
	const char *user_agent;
	const char *ca_file; /* NULL: the system's; for tests */
};

/* The answer and its text are valid during the callback only. Each started call gets exactly one
 * callback, never from within outbound_send(). */
typedef void (*outbound_done_fn)(const struct answer *answer, void *owner);

int outbound_open(const struct outbound_options *options, struct outbound **out) must_check;

/* Ends the calls under way as ANSWER_CANCELLED first. on_closed may be NULL. Accepts NULL, and then
 * calls on_closed at once. */
void outbound_close(struct outbound *outbound, void (*on_closed)(void *owner), void *owner);

/* Sets the CA certificates of calls that begin from now on. NULL means those of the system. The
 * file is read again, too. If it returns -ENOMEM, the old setting stays. */
int outbound_set_ca_file(struct outbound *outbound, const char *ca_file) must_check;

/* Takes the content of *request and leaves it empty, also on failure. 0, or -ENOMEM or -EINVAL
 * without a call of on_done. `guard` must outlive the call. */
int outbound_send(struct outbound *outbound, struct outgoing *request, unsigned timeout_ms,
		  outbound_guard_fn allow, const void *guard, outbound_done_fn on_done, void *owner,
		  struct outbound_call **out) must_check;

/* on_done is called on a later loop turn, with ANSWER_CANCELLED. */
void outbound_cancel(struct outbound_call *call);

#endif
