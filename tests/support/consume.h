/* SPDX-License-Identifier: Apache-2.0 */

/* What was received is taken from the front of a buffer. */
#ifndef TESTS_SUPPORT_CONSUME_H
#define TESTS_SUPPORT_CONSUME_H

#include <assert.h>
#include <string.h>

#include "core/buf.h"

/* Drops the first n bytes, n at most len. */
static inline void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->bytes, b->bytes + n, b->len);
}

#endif
