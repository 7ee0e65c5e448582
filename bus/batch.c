/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sorts the entries of one read: the ledger sees events, an unreadable entry becomes a dead letter,
 * and any other entry is acknowledged without either.
 */
#include "bus/batch.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/entry.h"
#include "bus/reply.h"
#include "bus/trim_warning.h"
#include "core/clock.h"

/* Sixteen times the limit of an event. A payload that is refused for its length is kept whole, so
 * that people can read and repair it; only a still longer one is cut. */
#define DEAD_PAYLOAD_MAX ((size_t)16 * EVENT_MAX_BYTES)

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	for (size_t i = 0; i < batch->shown.count; i++)
		event_free(batch->shown.events[i]);
	for (size_t i = 0; i < batch->dead_count; i++)
		free(batch->dead[i].payload);
	free(batch->shown.events);
	free(batch->shown.rejected);
	free(batch->shown_items);
	free(batch->items);
	free(batch->dead);
	free(batch);
}

static struct batch *allocate(size_t count)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->read_ms = clock_mono_ms();
	batch->shown.events = calloc(count, sizeof(struct event *));
	batch->shown.rejected = calloc(count, sizeof(struct reason));
	batch->shown_items = calloc(count, sizeof(size_t));
	batch->items = calloc(count, sizeof(struct batch_item));
	batch->dead = calloc(count, sizeof(struct dead_letter)); /* at most one per entry */
	if (!batch->shown.events || !batch->shown.rejected || !batch->shown_items ||
	    !batch->items || !batch->dead) {
		batch_free(batch);
		return NULL;
	}
	return batch;
}

int batch_add_dead(struct batch *batch, size_t item, enum dead_class class, struct str payload,
		   const struct reason *why)
{
	struct dead_letter *letter = &batch->dead[batch->dead_count];
	size_t len = payload.len < DEAD_PAYLOAD_MAX ? payload.len : DEAD_PAYLOAD_MAX;
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	if (len > 0)
		memcpy(copy, payload.at, len);
	*letter = (struct dead_letter){ .batch = batch,
					.class = class,
					.item = item,
					.payload = copy,
					.payload_len = len,
					.why = *why };
	batch->dead_count++;
	return 0;
}

/* The dead letter of an entry without a payload has its fields, one "name=value" per line. */
static int add_fields_as_dead(struct batch *batch, size_t item, const struct entry *entry)
{
	struct buf text;
	int rc = 0;

	buf_init(&text, DEAD_PAYLOAD_MAX);
	for (size_t i = 0; i + 1 < entry->fields->elements; i += 2) {
		buf_add_str(&text, reply_text(entry->fields->element[i]));
		buf_add_char(&text, '=');
		buf_add_str(&text, reply_text(entry->fields->element[i + 1]));
		buf_add_char(&text, '\n');
	}
	if (text.err == -ENOMEM)
		rc = -ENOMEM;
	else
		rc = batch_add_dead(batch, item, DEAD_NO_PAYLOAD, buf_str(&text), &entry->why);
	buf_done(&text);
	return rc;
}

static int add_entry(struct batch *batch, const redisReply *reply, size_t *trimmed)
{
	size_t item = batch->item_count;
	struct entry entry;
	int rc = entry_read(reply, &entry);

	if (rc)
		return rc;
	batch->items[item].id = entry.id;
	batch->item_count++;
	if (stream_id_compare(entry.id, batch->shown.last) > 0)
		batch->shown.last = entry.id;
	switch (entry.fate) {
	case ENTRY_SHOWN:
		batch->shown_items[batch->shown.count] = item;
		batch->shown.events[batch->shown.count++] = entry.event;
		return 0;
	case ENTRY_UNREADABLE:
		return batch_add_dead(batch, item, DEAD_UNREADABLE, entry_payload(entry.fields),
				      &entry.why);
	case ENTRY_NO_PAYLOAD:
		return add_fields_as_dead(batch, item, &entry);
	case ENTRY_TRIMMED:
		(*trimmed)++;
		return 0;
	case ENTRY_IGNORED:
		return 0;
	}
	return -EBADMSG;
}

struct batch *batch_of_position(struct stream_id last)
{
	struct batch *batch = allocate(1);

	if (batch)
		batch->shown.last = last;
	return batch;
}

static int add_entries(struct batch *batch, const redisReply *list, struct stream_id limit,
		       size_t *trimmed)
{
	int rc = 0;

	for (size_t i = 0; i < list->elements && rc == 0; i++) {
		struct str text = reply_text(reply_element(list->element[i], 0));
		struct stream_id id;

		if (!text.at || stream_id_parse(text, &id) != 0)
			return -EBADMSG;
		if (stream_id_compare(id, limit) > 0)
			return 0;
		rc = add_entry(batch, list->element[i], trimmed);
	}
	return rc;
}

int batch_from_entries(const redisReply *list, struct stream_id limit, struct batch **out)
{
	struct batch *batch;
	size_t trimmed = 0;
	int rc;

	*out = NULL;
	if (list->elements == 0)
		return 0;
	batch = allocate(list->elements);
	if (!batch)
		return -ENOMEM;
	rc = add_entries(batch, list, limit, &trimmed);
	if (rc || batch->item_count == 0) {
		batch_free(batch);
		return rc;
	}
	if (trimmed > 0)
		trim_warning_note(trimmed);
	metric_add(bus_counters.read[READER_CONSUMER], (int64_t)batch->item_count);
	*out = batch;
	return 0;
}
