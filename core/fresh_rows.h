/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Deliveries that were just committed. The ledger hands them to the engine in memory, so that the
 * engine need not read them from the store.
 *
 * The rows of one event share one body. Nothing here is locked: the rows belong to one thread at a
 * time.
 */
#ifndef CORE_FRESH_ROWS_H
#define CORE_FRESH_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/str.h"
#include "core/stream_id.h"
#include "core/uuid.h"

/* The text to send, fixed when the row was made. */
struct body {
	unsigned refs;
	size_t len;
	char bytes[];
};

/* A copy with one reference; NULL when out of memory. */
struct body *body_make(struct str text);
struct body *body_ref(struct body *body);
void body_unref(struct body *body); /* accepts NULL */

static inline struct str body_str(const struct body *body)
{
	return (struct str){ .at = body->bytes, .len = body->len };
}

struct fresh_row {
	struct fresh_row *next;
	struct uuid id;
	struct stream_id stream_id;
	struct body *body;
	int64_t inserted; /* 0: it was stored before */
};

/* New rows of one channel, in stream order. */
struct fresh_rows {
	struct uuid channel;
	int64_t channel_us; /* updated_at of the channel in the same transaction */
	int64_t now_us;     /* when the rows were due: at once */
	struct fresh_row *first;
	struct fresh_row *last;
	bool has_more; /* the store has more rows after these */
};

/* NULL when out of memory. Takes a reference of its own to the body. */
struct fresh_row *fresh_rows_add(struct fresh_rows *rows, const struct uuid *id,
				 struct stream_id stream_id, struct body *body);
/* Frees the rows. */
void fresh_rows_done(struct fresh_rows *rows);

#endif
