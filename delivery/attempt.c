/* SPDX-License-Identifier: Apache-2.0 */

/* The only code that sends to destinations. It builds one request and hands it to the client, with
 * the override of its origin, or else with the guard. */
#include "delivery/attempt.h"

#include "core/version.h"

static int build(const struct attempt_route *route, struct attempt_order *order,
		 struct outgoing *out)
{
	char id[UUID_TEXT_SIZE];

	uuid_format(order->delivery, id);
	order->message.link_base = route->link_base;
	order->attempt.delivery_id = str_of(id);
	order->attempt.user_agent = "wrenn-events/" WRENN_EVENTS_VERSION;
	return order->provider->build(&order->message, order->config, &order->attempt, out);
}

int attempt_send(const struct attempt_route *route, struct attempt_order *order,
		 outbound_done_fn on_answer, void *owner, struct outbound_call **out)
{
	const struct target_origin *origin =
		origin_find(route->origins, route->origin_count, order->provider->name);
	struct passage passage;
	struct outgoing request;
	int rc;

	outgoing_init(&request);
	rc = build(route, order, &request);
	if (rc == 0)
		rc = origin_lead(origin, route->guard, &request, &passage);
	if (rc == 0)
		rc = outbound_send(route->outbound, &request, order->timeout_ms, passage.allows,
				   passage.arg, on_answer, owner, out);
	outgoing_done(&request);
	return rc;
}
