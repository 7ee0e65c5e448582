/* SPDX-License-Identifier: Apache-2.0 */

/*
 * JSON in the one form of RFC 8785: no space, members in the order of their names' UTF-16 code
 * units, numbers as ECMAScript prints them, as few escapes as possible. Pure.
 */
#ifndef PROOF_CANONICAL_H
#define PROOF_CANONICAL_H

#include <cjson/cJSON.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"

/* Appends the value. A number that JSON cannot hold is -EINVAL in out->err. Text must be UTF-8. */
void canonical_add(struct buf *out, const cJSON *value);
/* Appends the text as a JSON string. */
void canonical_add_string(struct buf *out, struct str text);

/* The members or items in their order: `count` of them in *out, which the caller frees. 0 or
 * -ENOMEM. */
int canonical_order(const cJSON *parent, const cJSON ***out, size_t *count) must_check;

#endif
