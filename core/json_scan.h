/* SPDX-License-Identifier: Apache-2.0 */

/* The grammar check of json_parse(), for core/json.c alone. */
#ifndef CORE_JSON_SCAN_H
#define CORE_JSON_SCAN_H

#include <stdbool.h>

#include "core/str.h"

struct json_fault {
	size_t offset;    /* the byte that is wrong */
	const char *what; /* a phrase, such as "a lone surrogate" */
	/* The member whose string is at fault, as the text spells it; else empty. */
	struct str member;
};

/* True for exactly one JSON value (RFC 8259) of the depth and the text core/json.h allows. The
 * text must be valid UTF-8. */
bool json_scan(struct str text, struct json_fault *fault);

/* What the escape with four hex digits stands for with which the text begins, or -1. */
int json_read_unit(struct str text);

#endif
