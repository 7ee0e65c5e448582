/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The only code that sends to destinations. It builds one request and hands it to the client, with
 * the override of its origin, or else with the guard. Some vendors accept an edit of a message that
 * somebody deleted. They are asked for the message first, and the edit follows in the same attempt.
 */
#include "delivery/attempt.h"

#include <errno.h>
#include <stdlib.h>

#include "core/version.h"

/* A request that is ready to be sent. */
struct sending {
	const struct attempt_route *route;
	const struct provider *provider;
	struct outgoing request;
	struct passage passage;
	unsigned timeout_ms;
	int64_t now_us;
	outbound_done_fn on_answer;
	void *owner;
	struct outbound_call **out;
};

/* The part that both requests of an edit have in common. */
static void complete(struct attempt_order *order, const struct attempt_route *route,
		     char id[UUID_TEXT_SIZE])
{
	uuid_format(order->delivery, id);
	order->message.link_base = route->link_base;
	order->attempt.delivery_id = str_of(id);
	order->attempt.user_agent = "wrenn-events/" WRENN_EVENTS_VERSION;
}

static int lead(const struct sending *sending, struct outgoing *request, struct passage *passage)
{
	const struct attempt_route *route = sending->route;
	const struct target_origin *origin =
		origin_find(route->origins, route->origin_count, sending->provider->name);

	return origin_lead(origin, route->guard, request, passage);
}

static int send_now(struct sending *sending)
{
	return outbound_send(sending->route->outbound, &sending->request, sending->timeout_ms,
			     sending->passage.allows, sending->passage.arg, sending->on_answer,
			     sending->owner, sending->out);
}

/* ---- edits of messages that may be gone ---------------------------------------------------- */

static bool must_ask(const struct attempt_order *order)
{
	const struct message_life *life = order->message.life;

	return life && life->replaces.len && order->provider->edit->ask;
}

static bool is_there_but_long(const struct answer *answer)
{
	return answer->fault == ANSWER_TOO_LARGE && answer->status >= 200 && answer->status <= 299;
}

/* The edit would get the same answer, so the attempt ends with this one. A destination that does
 * not support the read before the edit may understand the edit. */
static bool is_final(const struct sending *edit, const struct answer *answer)
{
	enum verdict_kind kind = edit->provider->edit->judge(answer, edit->now_us).kind;

	return kind != VERDICT_DELIVERED && kind != VERDICT_REFORM && !is_there_but_long(answer);
}

static void on_found(const struct answer *answer, void *owner)
{
	struct sending *edit = owner;
	const struct answer unsent = { .fault = ANSWER_CANCELLED };

	if (is_final(edit, answer))
		edit->on_answer(answer, edit->owner);
	else if (send_now(edit) < 0)
		edit->on_answer(&unsent, edit->owner);
	outgoing_done(&edit->request);
	free(edit);
}

static int send_lookup(struct sending *edit, const struct attempt_order *order)
{
	struct outgoing lookup;
	struct passage passage;
	int rc;

	outgoing_init(&lookup);
	rc = edit->provider->edit->ask(&order->message, order->config, &order->attempt, &lookup);
	if (rc == 0)
		rc = lead(edit, &lookup, &passage);
	if (rc == 0)
		rc = outbound_send(edit->route->outbound, &lookup, edit->timeout_ms, passage.allows,
				   passage.arg, on_found, edit, edit->out);
	outgoing_done(&lookup);
	return rc;
}

/* Takes ownership of sending->request. The lookup and the edit each get half of the time limit. */
static int ask_first(struct sending *sending, const struct attempt_order *order)
{
	struct sending *edit = malloc(sizeof(*edit));
	int rc;

	if (!edit)
		return -ENOMEM;
	sending->timeout_ms /= 2;
	*edit = *sending;
	outgoing_init(&sending->request);
	rc = send_lookup(edit, order);
	if (rc != 0) {
		outgoing_done(&edit->request);
		free(edit);
	}
	return rc;
}

int attempt_send(const struct attempt_route *route, struct attempt_order *order,
		 outbound_done_fn on_answer, void *owner, struct outbound_call **out)
{
	struct sending sending = {
		.route = route,
		.provider = order->provider,
		.timeout_ms = order->timeout_ms,
		.now_us = order->attempt.now_us,
		.on_answer = on_answer,
		.owner = owner,
		.out = out,
	};
	char id[UUID_TEXT_SIZE];
	int rc;

	complete(order, route, id);
	outgoing_init(&sending.request);
	rc = order->provider->build(&order->message, order->config, &order->attempt,
				    &sending.request);
	if (rc == 0)
		rc = lead(&sending, &sending.request, &sending.passage);
	if (rc == 0)
		rc = must_ask(order) ? ask_first(&sending, order) : send_now(&sending);
	outgoing_done(&sending.request);
	return rc;
}
