/* SPDX-License-Identifier: Apache-2.0 */

/* UUIDs (RFC 9562): random (version 4), named (version 5), and their text form. */
#ifndef CORE_UUID_H
#define CORE_UUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/attributes.h"
#include "core/str.h"

#define UUID_TEXT_SIZE 37 /* 36 characters and a NUL */

struct uuid {
	uint8_t bytes[16]; /* most significant first */
};

void uuid_v4(struct uuid *out);

/* SHA-1 of namespace and name, RFC 9562 section 5.5. */
void uuid_v5(const struct uuid *space, struct str name, struct uuid *out);

/* Lower-case, hyphenated. */
void uuid_format(const struct uuid *id, char out[UUID_TEXT_SIZE]);

/* Either case, hyphens required. 0 or -EINVAL. */
int uuid_parse(struct str text, struct uuid *out) must_check;

static inline int uuid_compare(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static inline bool uuid_eq(const struct uuid *a, const struct uuid *b)
{
	return uuid_compare(a, b) == 0;
}

bool uuid_is_zero(const struct uuid *id);

/* For hash tables: the low 64 bits, mixed. */
uint64_t uuid_hash(const struct uuid *id);

#endif
