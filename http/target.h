/* SPDX-License-Identifier: Apache-2.0 */

/* The request target (RFC 9112, section 3.2): origin form, absolute form, and "*" for OPTIONS. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include <stdbool.h>

#include "core/str.h"

/* Splits the target into path and query and decodes the path in place. %2F stays, because it would
 * add a piece to the path. Returns NULL, or a constant sentence that says what is wrong. */
const char *target_split(char *target, size_t len, bool may_be_star, struct str *path,
			 struct str *query);

/* The byte of the escape at the start of `text`, or -1. */
int percent_decode(struct str text);

#endif
