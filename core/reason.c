/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fills a struct reason. Callers often quote untrusted text, so control characters, bidi marks and
 * broken UTF-8 become '?', and a long text ends between two code points.
 */
#include "core/reason.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "core/str.h"
#include "core/utf8.h"

/* Copies what fits into `size` bytes, its NUL included. */
static void copy_clean(char *out, size_t size, struct str text)
{
	struct str rest = utf8_cut(text, size - 1);
	size_t len = 0;

	while (rest.len) {
		uint32_t code;
		size_t n = utf8_decode(rest, &code);

		if (n == 0 || utf8_is_control(code)) {
			out[len++] = '?';
			n = n ? n : 1;
		} else {
			memcpy(out + len, rest.at, n);
			len += n;
		}
		rest = str_from(rest, n);
	}
	out[len] = '\0';
}

int reason_set(struct reason *why, int rc, const char *field, const char *format, ...)
{
	va_list args;
	char full[sizeof(why->text) + 3]; /* room for the whole code point at the cut */

	if (!why)
		return rc;
	va_start(args, format);
	vsnprintf(full, sizeof(full), format, args);
	va_end(args);
	copy_clean(why->text, sizeof(why->text), str_of(full));
	copy_clean(why->field, sizeof(why->field), str_of(field));
	return rc;
}
