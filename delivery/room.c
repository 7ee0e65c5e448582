/* SPDX-License-Identifier: Apache-2.0 */

/* Shares memory among loads, and takes rows away from queues that wait when it is used up. */
#include "delivery/room.h"

#include "core/attributes.h"
#include "delivery/queue.h"

#define ROOM_BYTES  (64 * QUEUE_MAX_BYTES)
#define SHARE_LEAST ((size_t)16 * 1024) /* with very many queues */

size_t room_cost(const struct delivery *delivery)
{
	size_t life = delivery->living ? sizeof(*delivery->living) : 0;

	return sizeof(*delivery) + sizeof(*delivery->body) + delivery->body->len + life;
}

/* Half of the room, so that a new queue need not take from the others. */
static size_t share_of_each(const struct delivery_engine *engine)
{
	size_t share = ROOM_BYTES / 2 / (engine->queues ? engine->queues : 1);

	if (share > QUEUE_MAX_BYTES)
		return QUEUE_MAX_BYTES;
	return share < SHARE_LEAST ? SHARE_LEAST : share;
}

bool room_has(const struct delivery_engine *engine, size_t bytes)
{
	return engine->bytes + engine->reserved + bytes <= ROOM_BYTES;
}

/* Forgets rows that their queues cannot use now: first of queues that wait for their pace, then for
 * a slot, then of queues with a running request, the oldest first. They will be read again. */
static void make_room(struct delivery_engine *engine, size_t bytes)
{
	static const struct {
		enum queue_phase phase;
		unsigned keep;
	} victims[] = { { QUEUE_WAITING, 0 }, { QUEUE_READY, 1 }, { QUEUE_SENDING, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(victims); i++) {
		LIST_EACH (link, &engine->in[victims[i].phase]) {
			if (room_has(engine, bytes))
				return;
			queue_trim(list_item(link, struct queue, turn), victims[i].keep);
		}
	}
}

size_t room_begin_load(struct delivery_engine *engine)
{
	size_t bytes = share_of_each(engine);

	if (!room_has(engine, bytes))
		make_room(engine, bytes);
	if (!room_has(engine, bytes))
		return 0;
	engine->reserved += bytes;
	return bytes;
}

void room_end_load(struct delivery_engine *engine, size_t reserved)
{
	engine->reserved -= reserved;
}
