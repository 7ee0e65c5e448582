/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Public identifiers: a prefix that names the kind and the UUID as 25 base-36 digits
 * (contract g). The width is fixed, so text order equals byte order.
 */
#ifndef CORE_ID_H
#define CORE_ID_H

#include "core/attributes.h"
#include "core/str.h"
#include "core/uuid.h"

#define ID_DIGITS    25
#define ID_TEXT_SIZE 32 /* longest prefix, 25 digits, NUL */

enum id_kind { ID_CAPSULE, ID_TEAM, ID_USER, ID_KEY, ID_HOST, ID_CHANNEL, ID_AUDIT, ID_KINDS };

void id_format(enum id_kind kind, const struct uuid *id, char out[ID_TEXT_SIZE]);

/* Exact prefix, exactly 25 of 0-9a-z, value below 2^128; else -EINVAL. */
int id_parse(enum id_kind kind, struct str text, struct uuid *out) must_check;

#endif
