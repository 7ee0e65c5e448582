/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Encodes text/event-stream frames and puts them into HTTP chunks.
 *
 * Pure: no sockets, no clock. Every CR, LF and CRLF of the data starts a new "data:" line, so a
 * payload cannot forge a field or end its frame.
 */
#ifndef SSE_FRAME_H
#define SSE_FRAME_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"
#include "core/stream_id.h"

/* Zero members are omitted. A frame without name and data fires no event at the client: its id
 * moves the cursor (a bookmark), its retry_ms sets the pause before a reconnect. */
struct frame {
	unsigned retry_ms;
	bool has_id;
	struct stream_id id;
	const char *name; /* a constant of ours, without line ends */
	struct str data;
};

/* Appends one frame. The id is its last line: some clients store the id as soon as they have that
 * line, and a cut before the rest of the frame would lose the event. Returns the offset of the data
 * in the frame. */
size_t frame_encode(struct buf *out, const struct frame *frame);

/* Appends `: text` and a blank line. The text is a constant without line ends. */
void frame_comment(struct buf *out, const char *text);

#define CHUNK_HEAD_MAX 18 /* 16 hex digits and CR LF */

/* Writes the head of a chunk of n bytes (n > 0) and returns its length. The tail is "\r\n". */
size_t chunk_head(size_t n, char out[CHUNK_HEAD_MAX]);

#endif
