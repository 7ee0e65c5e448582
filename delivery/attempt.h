/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One request to a destination: built by its provider, then sent by the client, the guard and the
 * operator's origins. Used for deliveries and for test notifications; no other code sends to a
 * destination. A lookup may precede an edit (provider_edit.ask); the caller sees one attempt.
 */
#ifndef DELIVERY_ATTEMPT_H
#define DELIVERY_ATTEMPT_H

#include "core/attributes.h"
#include "core/uuid.h"
#include "net/net.h"
#include "providers/provider.h"
#include "targets/targets.h"

/* How requests leave. Everything must outlive the requests. */
struct attempt_route {
	struct outbound *outbound;
	const struct guard *guard;
	const struct target_origin *origins;
	size_t origin_count;
	struct str link_base; /* of links in messages; empty: no links */
};

struct attempt_order {
	const struct provider *provider;
	const struct provider_config *config; /* decrypted */
	const struct uuid *delivery;
	struct message message; /* attempt_send() sets link_base, */
	struct attempt attempt; /* delivery_id and user_agent */
	unsigned timeout_ms;
};

/* 0: on_answer is called later, never from within this call. -ENOMEM, or another negative when this
 * order can never be built or sent. */
int attempt_send(const struct attempt_route *route, struct attempt_order *order,
		 outbound_done_fn on_answer, void *owner, struct outbound_call **out) must_check;

#endif
