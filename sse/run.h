/* SPDX-License-Identifier: Apache-2.0 */

/* Consecutive items for one write. Pure: it walks a chain and changes nothing. */
#ifndef SSE_RUN_H
#define SSE_RUN_H

#include <sys/uio.h>

#include "sse/item.h"

#define RUN_PIECES 256

struct filter;

struct run {
	int count;
	bool stuck;    /* the next item is wanted and not ready, or could not be made */
	bool durable;  /* moves the client's cursor */
	bool apart;    /* our own items, outside every chain: a partly written one is kept */
	bool bare;     /* frames without their chunks */
	bool fell_off; /* the chain is cut after the item of fell_at */
	struct stream_id fell_at;
	uint64_t fell_serial;
	struct item *next; /* the first one not taken */
	size_t bytes;
	struct iovec whole; /* all pieces copied together for many readers; else no bytes */
	struct item *items[RUN_PIECES];
	struct iovec pieces[RUN_PIECES];
};

/* The items that one listener wants. */
struct selection {
	const struct filter *filter;
	uint64_t from_serial;
	bool newest_states; /* skips a capsule's states that another one followed */
};

/* Makes the run empty. Does not touch the arrays, which are large. */
void run_init(struct run *run, bool bare);

/* Adds the item without its first `offset` bytes. There must be room. */
void run_add(struct run *run, struct item *item, uint32_t offset);

/* Adds wanted items from `first` onward, until the run is full or stuck or the chain ends. */
void run_gather(struct run *run, struct item *first, enum item_chain chain,
		const struct selection *selection);

#endif
