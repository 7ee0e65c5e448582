/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads text/event-stream as a client does: bytes in any pieces, one callback per frame and
 * comment. Pure.
 */
#ifndef CLI_SSE_READER_H
#define CLI_SSE_READER_H

#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"

struct sse_frame {
	struct str id;    /* at == NULL if the frame has no id line */
	struct str event; /* empty: "message" */
	struct str data;  /* several data lines joined by line feeds */
};

struct sse_reader {
	struct buf line; /* an unfinished line */
	struct buf id;
	struct buf event;
	struct buf data;
	bool has_id;
	bool has_data;
	bool skip_lf;     /* the last line ended with CR */
	int64_t retry_ms; /* last `retry:`, -1 before the first */
	void (*on_frame)(const struct sse_frame *frame, void *owner);
	void (*on_comment)(struct str text, void *owner); /* may be NULL, as after init */
	void *owner;
};

void sse_reader_init(struct sse_reader *reader,
		     void (*on_frame)(const struct sse_frame *frame, void *owner), void *owner);
void sse_reader_done(struct sse_reader *reader);

/* Returns 0, -E2BIG for a line or a frame over 1 MiB, or -ENOMEM. */
int sse_reader_feed(struct sse_reader *reader, struct str bytes) must_check;

/* For a new connection: drops an unfinished frame. */
void sse_reader_restart(struct sse_reader *reader);

#endif
