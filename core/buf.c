/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Growing text. Memory doubles up to one byte past the limit, that byte being for the NUL of
 * buf_text(). A piece that does not fit whole is not added at all, and the error sticks.
 */
#include "core/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAP 64

void buf_init(struct buf *b, size_t limit)
{
	assert(limit < SIZE_MAX);
	*b = (struct buf){ .limit = limit };
}

void buf_done(struct buf *b)
{
	free(b->bytes);
	buf_init(b, b->limit);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = 0;
}

/* Makes the memory at least `need` bytes, which is at most limit + 1. */
static bool grow(struct buf *b, size_t need)
{
	size_t most = b->limit + 1;
	size_t cap = b->cap ? b->cap : FIRST_CAP;

	while (cap < need)
		cap = cap > most / 2 ? most : cap * 2;
	if (cap > most)
		cap = most;

	char *bytes = realloc(b->bytes, cap);
	if (!bytes) {
		b->err = -ENOMEM;
		return false;
	}
	b->bytes = bytes;
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, const void *src, size_t n)
{
	if (b->err || n == 0)
		return;
	if (n > b->limit - b->len) {
		b->err = -E2BIG;
		return;
	}
	if (n > b->cap - b->len && !grow(b, b->len + n))
		return; /* grow() has set err */
	memcpy(b->bytes + b->len, src, n);
	b->len += n;
}

void buf_add_str(struct buf *b, struct str s)
{
	buf_add(b, s.at, s.len);
}

void buf_add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

/* Usually there is room. The check is here because JSON is written one character at a time. */
void buf_add_char(struct buf *b, char c)
{
	if (!b->err && b->len < b->cap && b->len < b->limit)
		b->bytes[b->len++] = c;
	else
		buf_add(b, &c, 1);
}

void buf_add_u64(struct buf *b, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	buf_add(b, digits + at, sizeof(digits) - at);
}

void buf_add_i64(struct buf *b, int64_t number)
{
	char text[21];
	size_t at = sizeof(text);
	uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do {
		text[--at] = (char)('0' + size % 10);
		size /= 10;
	} while (size);
	if (number < 0)
		text[--at] = '-';
	buf_add(b, text + at, sizeof(text) - at);
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vaddf(b, format, args);
	va_end(args);
}

void buf_vaddf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	size_t room = b->cap - b->len;

	if (b->err)
		return;
	va_copy(again, args);
	int n = vsnprintf(room ? b->bytes + b->len : NULL, room, format, args);

	assert(n >= 0); /* fails only for a malformed format or a text past 2 GiB */
	if ((size_t)n > b->limit - b->len)
		b->err = -E2BIG;
	else if ((size_t)n >= room && grow(b, b->len + (size_t)n + 1))
		vsnprintf(b->bytes + b->len, b->cap - b->len, format, again);
	va_end(again);
	if (!b->err)
		b->len += (size_t)n;
}

const char *buf_text(struct buf *b)
{
	if (b->err)
		return NULL;
	if (b->len == b->cap && !grow(b, b->len + 1))
		return NULL;
	b->bytes[b->len] = '\0';
	return b->bytes;
}
