/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The chunked coding as a state per byte of framing; content is copied in runs.
 *
 *   SIZE -> DIGITS -> [EXTENSION] -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE ...
 *                                       | size 0
 *                                       v
 *                                    TRAILER_START <-> TRAILER, TRAILER_LF;  -> END_LF -> END
 *
 * Extensions and trailer fields are skipped: nothing of ours reads them, and a trailer that could
 * add a header field would go around every check made on the head.
 */
#include "http/chunks.h"

#include "core/digest.h"

/* Chunks of one byte have six bytes of framing; 64 KiB of them still pass. */
#define MAX_OVERHEAD   (512 * 1024)
#define MAX_CHUNK_SIZE 0xfffffff /* seven digits; the body's own limit is far lower */

static bool is_text(char c)
{
	return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7f);
}

static enum chunks_state step_digits(struct chunks *chunks, char c)
{
	int digit = hex_value(c);

	if (digit >= 0) {
		if (chunks->left > MAX_CHUNK_SIZE >> 4)
			return CHUNKS_BROKEN;
		chunks->left = chunks->left << 4 | (uint32_t)digit;
		return CHUNKS_DIGITS;
	}
	if (chunks->state == CHUNKS_SIZE)
		return CHUNKS_BROKEN; /* a size has at least one digit */
	if (c == ';')
		return CHUNKS_EXTENSION;
	return c == '\r' ? CHUNKS_SIZE_LF : CHUNKS_BROKEN;
}

/* One byte of framing. */
static enum chunks_state step(struct chunks *chunks, char c)
{
	switch (chunks->state) {
	case CHUNKS_SIZE:
	case CHUNKS_DIGITS:
		return step_digits(chunks, c);
	case CHUNKS_EXTENSION:
		if (c == '\r')
			return CHUNKS_SIZE_LF;
		return is_text(c) ? CHUNKS_EXTENSION : CHUNKS_BROKEN;
	case CHUNKS_SIZE_LF:
		if (c != '\n')
			return CHUNKS_BROKEN;
		return chunks->left ? CHUNKS_DATA : CHUNKS_TRAILER_START;
	case CHUNKS_DATA_CR:
		return c == '\r' ? CHUNKS_DATA_LF : CHUNKS_BROKEN;
	case CHUNKS_DATA_LF:
		return c == '\n' ? CHUNKS_SIZE : CHUNKS_BROKEN;
	case CHUNKS_TRAILER_START:
		if (c == '\r')
			return CHUNKS_END_LF;
		return is_text(c) ? CHUNKS_TRAILER : CHUNKS_BROKEN;
	case CHUNKS_TRAILER:
		if (c == '\r')
			return CHUNKS_TRAILER_LF;
		return is_text(c) ? CHUNKS_TRAILER : CHUNKS_BROKEN;
	case CHUNKS_TRAILER_LF:
		return c == '\n' ? CHUNKS_TRAILER_START : CHUNKS_BROKEN;
	case CHUNKS_END_LF:
		return c == '\n' ? CHUNKS_END : CHUNKS_BROKEN;
	case CHUNKS_DATA:
	case CHUNKS_END:
	case CHUNKS_BROKEN:
		break;
	}
	return CHUNKS_BROKEN;
}

static size_t take_data(struct chunks *chunks, const char *bytes, size_t n, struct buf *body)
{
	size_t taken = n < chunks->left ? n : chunks->left;

	buf_add(body, bytes, taken);
	chunks->left -= (uint32_t)taken;
	if (chunks->left == 0)
		chunks->state = CHUNKS_DATA_CR;
	return taken;
}

size_t chunks_take(struct chunks *chunks, const char *bytes, size_t n, struct buf *body)
{
	size_t used = 0;

	while (used < n && chunks->state < CHUNKS_END && !body->err) {
		if (chunks->state == CHUNKS_DATA) {
			used += take_data(chunks, bytes + used, n - used, body);
			continue;
		}
		chunks->state = step(chunks, bytes[used++]);
		if (++chunks->overhead > MAX_OVERHEAD)
			chunks->state = CHUNKS_BROKEN;
	}
	return used;
}
