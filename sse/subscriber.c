/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The common part of streams and waits: lists, counters and memory.
 *
 * A listener that has left is on no list, so nothing finds it again. The last callback frees it:
 * that of its connection or timer, or that of a recheck.
 */
#include "sse/subscriber.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sse/metrics.h"
#include "sse/replay.h"
#include "sse/turn.h"

/* Ten thousand may be idle. The allocator adds 8 bytes and rounds up to 16. */
static_assert(sizeof(struct subscriber) <= 168, "11 blocks of 16 bytes with the allocator's 8");

void subscriber_init(struct subscriber *sub, const struct subscriber_type *type,
		     struct topic *topic, const struct identity *identity, struct filter *filter)
{
	struct sse *sse = topic->sse;
	enum listener_kind kind = topic->chain == CHAIN_ALL ? LISTENER_ALL : LISTENER_TEAM;

	*sub = (struct subscriber){
		.type = type,
		.topic = topic,
		.filter = filter,
		.credential = (uint8_t)identity->credential,
		.kind = (uint8_t)(type->is_wait ? LISTENER_WAIT : kind),
		.is_admin = topic->chain == CHAIN_ALL,
		.from_serial = sse->history.serial,
	};
	/* Auth gives lower-case hex. Anything else fails the first recheck, as it should. */
	if (!hex_decode(str_of(identity->credential_hash), sub->credential_hash, SHA256_SIZE))
		sub->credential = CREDENTIAL_NONE;
	deadline_init(&sub->quiet);
	list_add_tail(&topic->others, &sub->link);
	topic_count(topic, 1);
	topic->pins++;
	sse->listeners++;
	metric_add(sse->metrics.subscribers[sub->kind], 1);
	list_add_tail(&sse->rechecks.rounds[sub->credential_hash[0] % RECHECK_ROUNDS],
		      &sub->recheck);
}

int subscriber_replay(struct subscriber *sub, struct stream_id position)
{
	sub->replay = replay_open(sub->topic, sub->filter, position, sub);
	return sub->replay ? 0 : -ENOMEM;
}

void subscriber_set_cursor(struct subscriber *sub, struct item *item)
{
	struct item *old = sub->cursor;

	sub->cursor = item ? item_ref(item) : NULL;
	item_unref(old);
}

void subscriber_join_front(struct subscriber *sub)
{
	subscriber_set_cursor(sub, NULL);
	sub->in_front = true;
	list_remove(&sub->link);
	list_add_tail(&sub->topic->front_line, &sub->link);
}

void subscriber_leave_front(struct subscriber *sub)
{
	sub->in_front = false;
	list_remove(&sub->link);
	list_add_tail(&sub->topic->others, &sub->link);
}

void subscriber_end(struct subscriber *sub, enum close_reason reason)
{
	struct sse *sse = sub->topic->sse;

	if (sub->ending)
		return;
	if (!sub->is_closing)
		sub->reason = (uint8_t)reason;
	sub->ending = true;
	list_remove(&sub->link);
	list_add_tail(&sse->ending, &sub->link);
	turn_wake(sse);
}

void subscriber_end_all(struct topic *topic, enum close_reason reason)
{
	LIST_EACH_SAFE (link, &topic->front_line)
		subscriber_end(list_item(link, struct subscriber, link), reason);
	LIST_EACH_SAFE (link, &topic->others)
		subscriber_end(list_item(link, struct subscriber, link), reason);
}

void subscriber_leave(struct subscriber *sub)
{
	assert(!sub->left);
	sub->ending = true;
	sub->left = true;
	list_remove(&sub->link);
	deadline_stop(&sub->quiet);
	list_remove(&sub->recheck);
	replay_stop(sub->replay);
	sub->replay = NULL;
	subscriber_set_cursor(sub, NULL);
	item_unref(sub->partial);
	sub->partial = NULL;
	topic_count(sub->topic, -1);
	metric_add(sub->topic->sse->metrics.subscribers[sub->kind], -1);
}

void subscriber_release(struct subscriber *sub)
{
	struct topic *topic = sub->topic;
	struct sse *sse = topic->sse;

	if (!sub->closed || sub->rechecking)
		return;
	free(sub->filter);
	topic->pins--;
	if (topic_is_unused(topic))
		turn_mark(topic); /* the flush frees it: it may be walking this topic now */
	sub->type->release(sub);
	sse->listeners--;
	live_release(sse);
}
