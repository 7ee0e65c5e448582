/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Text that grows up to a limit given at the start. Errors stick: after the first failure every
 * further call does nothing, and the caller looks at `err` once at the end.
 */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stdarg.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/str.h"

struct buf {
	char *bytes; /* not NUL-terminated; see buf_text() */
	size_t len;
	size_t cap;
	size_t limit; /* bytes; len never exceeds it */
	int err;      /* 0, -E2BIG past the limit, -ENOMEM */
};

/* Allocates nothing yet. */
void buf_init(struct buf *b, size_t limit);

/* Gives the memory back; the buffer is then as after buf_init(). */
void buf_done(struct buf *b);

/* Empties it and forgets the error, keeps the memory. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, const void *src, size_t n);
void buf_add_str(struct buf *b, struct str s);
void buf_add_text(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t number);
void buf_add_i64(struct buf *b, int64_t number);
void buf_addf(struct buf *b, const char *format, ...) printf_like(2, 3);
void buf_vaddf(struct buf *b, const char *format, va_list args) printf_like(2, 0);

/* The content, NUL-terminated (the NUL is not counted and may use one byte past the
 * limit), owned by the buffer. NULL when the buffer has failed. */
const char *buf_text(struct buf *b);

static inline struct str buf_str(const struct buf *b)
{
	return b->bytes ? (struct str){ .at = b->bytes, .len = b->len } : STR("");
}

#endif
