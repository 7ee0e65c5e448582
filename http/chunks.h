/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Takes the chunked coding (RFC 9112, section 7.1) off a request body, byte for byte as the grammar
 * has it: Debian builds llhttp in the mode that skips the two bytes behind a chunk unseen, and a
 * framing that two readers understand differently is how requests are smuggled.
 */
#ifndef HTTP_CHUNKS_H
#define HTTP_CHUNKS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"

enum chunks_state {
	CHUNKS_SIZE, /* before the first digit */
	CHUNKS_DIGITS,
	CHUNKS_EXTENSION,
	CHUNKS_SIZE_LF,
	CHUNKS_DATA,
	CHUNKS_DATA_CR,
	CHUNKS_DATA_LF,
	CHUNKS_TRAILER_START, /* at the start of a line */
	CHUNKS_TRAILER,
	CHUNKS_TRAILER_LF,
	CHUNKS_END_LF,
	CHUNKS_END,
	CHUNKS_BROKEN
};

struct chunks {
	enum chunks_state state;
	uint32_t left;     /* bytes of this chunk still to come */
	uint32_t overhead; /* bytes that were framing */
};

/* Takes what belongs to the body and appends the content to *body, whose limit counts. Returns how
 * many bytes that were; then look at `state` (END: complete, BROKEN: malformed or far more framing
 * than content) and at body->err. A zeroed struct is a fresh one. */
size_t chunks_take(struct chunks *chunks, const char *bytes, size_t n, struct buf *body);

#endif
