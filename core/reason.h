/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One sentence for a person, beside the negative errno for the program. Used where
 * somebody reads the answer: settings, HTTP 4xx, dead letters. Never put a secret, a
 * full URL or SQL into one.
 */
#ifndef CORE_REASON_H
#define CORE_REASON_H

#include "core/attributes.h"

struct reason {
	char field[48]; /* the member, variable or parameter at fault; empty when none */
	char text[384]; /* one sentence, cut at the end when too long; printable ASCII or UTF-8 */
};

/* Fills *why (which may be NULL) and returns rc, so that a check can end with
 * `return reason_set(why, -EINVAL, "limit", "limit must be a number, not \"%s\"", text);` */
int reason_set(struct reason *why, int rc, const char *field, const char *format, ...)
	printf_like(4, 5);

#endif
