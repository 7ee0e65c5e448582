/* SPDX-License-Identifier: Apache-2.0 */

/* The request target (RFC 9112, section 3.2): origin form, absolute form, and "*" for OPTIONS. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include <stdbool.h>

#include "core/str.h"

/* Splits the target into path and query and decodes the path in place, except %2F, which would
 * change the number of its pieces. NULL, or what is wrong with it as a constant sentence. */
const char *target_split(char *target, size_t len, bool may_be_star, struct str *path,
			 struct str *query);

/* The byte behind "%" at text.at[0], or -1. */
int percent_decode(struct str text);

#endif
