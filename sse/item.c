/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From event to bytes. The item includes the head and tail of its chunk, so sending it to a
 * thousand listeners costs a thousand system calls and nothing else.
 */
#include "sse/item.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sse/capsule.h"
#include "sse/frame.h"

#define ALLOCATION_COST 32 /* of the two blocks of an item, roughly */

size_t item_cost(const struct item *item)
{
	return sizeof(*item) + item->resource_len + item->bytes_len + ALLOCATION_COST;
}

/* Incomplete bytes must never reach a socket. */
static int fail(struct item *item, int rc)
{
	free(item->bytes);
	item->bytes = NULL;
	item->bytes_len = 0;
	item->json_at = 0;
	item->json_len = 0;
	return rc;
}

/* Keeps `text` as one chunk. */
static int set_chunk(struct item *item, struct str text)
{
	char head[CHUNK_HEAD_MAX];
	size_t head_len = chunk_head(text.len, head);
	char *bytes = malloc(head_len + text.len + 2);

	item->state = ITEM_READY;
	if (!bytes)
		return fail(item, -ENOMEM);
	free(item->bytes);
	item->bytes = bytes;
	memcpy(bytes, head, head_len);
	memcpy(bytes + head_len, text.at, text.len);
	memcpy(bytes + head_len + text.len, "\r\n", 2);
	item->bytes_len = (uint32_t)(head_len + text.len + 2);
	item->json_at += (uint32_t)head_len;
	return 0;
}

/* Frames the complete `json`. */
static int set_frame(struct item *item, struct str json, struct buf *scratch)
{
	const struct frame frame = {
		.has_id = !item->transient,
		.id = item->id,
		.name = event_kind_name((enum event_kind)item->kind),
		.data = json,
	};

	buf_reset(scratch);
	item->json_at = (uint32_t)frame_encode(scratch, &frame);
	item->json_len = (uint32_t)json.len;
	if (scratch->err)
		return fail(item, scratch->err);
	return set_chunk(item, buf_str(scratch));
}

int item_finish(struct item *item, struct str sandbox, struct buf *scratch)
{
	struct buf json;
	int rc;

	assert(item->state != ITEM_READY);
	buf_init(&json, scratch->limit);
	buf_add(&json, item->bytes, item->bytes_len);
	if (event_kind_is_capsule((enum event_kind)item->kind)) {
		buf_add_text(&json, ",\"sandbox\":");
		buf_add_str(&json, sandbox);
	}
	buf_add_char(&json, '}');
	rc = json.err ? fail(item, json.err) : set_frame(item, buf_str(&json), scratch);
	item->state = ITEM_READY;
	buf_done(&json);
	return rc;
}

/* Returns the status that the event itself proves (contract b.4), or NULL. */
static const char *implied_status(const struct event *event)
{
	if (event->outcome != OUTCOME_SUCCESS || event->actor != ACTOR_SYSTEM)
		return NULL;
	if (event->kind == EVENT_CAPSULE_PAUSE)
		return "paused";
	if (event->kind == EVENT_CAPSULE_CREATE || event->kind == EVENT_CAPSULE_RESUME)
		return "running";
	return NULL;
}

static struct item *make_item(const struct event *event)
{
	struct item *item = calloc(1, sizeof(*item) + event->resource_id.len);

	if (!item)
		return NULL;
	item->refs = 1;
	item->kind = (uint8_t)event->kind;
	item->outcome = (uint8_t)event->outcome;
	item->transient = event->kind == EVENT_CAPSULE_STATE_CHANGED;
	item->has_capsule = event->has_capsule;
	item->id = event->id;
	item->implied_status = implied_status(event);
	item->team = event->team;
	item->capsule = event->capsule;
	/* It fits: the resource id is a part of the payload, which has at most 64 KiB. */
	item->resource_len = (uint16_t)event->resource_id.len;
	memcpy(item->resource, event->resource_id.at, event->resource_id.len);
	return item;
}

static int set_open_json(struct item *item, const struct event *event, struct buf *scratch)
{
	buf_reset(scratch);
	event_write_frame(scratch, event);
	if (scratch->err)
		return scratch->err;
	item->bytes = malloc(scratch->len);
	if (!item->bytes)
		return -ENOMEM;
	memcpy(item->bytes, scratch->bytes, scratch->len);
	item->bytes_len = (uint32_t)scratch->len;
	return 0;
}

static int finish_early(struct item *item, const struct event *event, struct buf *scratch)
{
	struct buf sandbox;
	int rc;

	if (!event_kind_is_capsule(event->kind))
		return item_finish(item, STR(""), scratch);
	if (event->sandbox.len == 0)
		return event->has_capsule ? 0 : item_finish(item, STR("null"), scratch);
	buf_init(&sandbox, scratch->limit);
	capsule_write_own(&sandbox, event->sandbox, item->implied_status);
	rc = sandbox.err ? sandbox.err : item_finish(item, buf_str(&sandbox), scratch);
	buf_done(&sandbox);
	return rc;
}

int item_from_event(const struct event *event, struct buf *scratch, struct item **out)
{
	struct item *item = make_item(event);
	int rc;

	if (!item)
		return -ENOMEM;
	rc = set_open_json(item, event, scratch);
	if (rc == 0)
		rc = finish_early(item, event, scratch);
	if (rc < 0) {
		item_unref(item);
		return rc;
	}
	*out = item;
	return 0;
}

int item_from_text(struct str text, struct item **out)
{
	struct item *item = calloc(1, sizeof(*item));

	if (!item)
		return -ENOMEM;
	item->refs = 1;
	if (set_chunk(item, text) < 0) {
		item_unref(item);
		return -ENOMEM;
	}
	*out = item;
	return 0;
}

struct str item_frame(const struct item *item)
{
	struct str frame = { .at = item->bytes, .len = item->bytes_len - strlen("\r\n") };

	(void)str_cut(&frame, '\n'); /* the head of the chunk */
	return frame;
}

struct str item_json(const struct item *item)
{
	return (struct str){ .at = item->bytes + item->json_at, .len = item->json_len };
}

void item_unref(struct item *item)
{
	if (!item || --item->refs > 0)
		return;
	free(item->bytes);
	free(item);
}
