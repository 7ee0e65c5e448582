/* SPDX-License-Identifier: Apache-2.0 */

/* UUIDs (RFC 9562): random (version 4), named (versions 5 and 8), and their text form. */
#ifndef CORE_UUID_H
#define CORE_UUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/attributes.h"
#include "core/str.h"
#include "core/stream_id.h"

#define UUID_TEXT_SIZE 37 /* 36 characters and a NUL */

struct uuid {
	uint8_t bytes[16]; /* most significant first */
};

void uuid_v4(struct uuid *out);

/* SHA-1 of namespace and name, RFC 9562 section 5.5. */
void uuid_v5(const struct uuid *space, struct str name, struct uuid *out);

/* The same for a name of up to 8 pieces, as if they were one. Needs no memory. */
void uuid_v5_of_pieces(const struct uuid *space, const struct str *name, size_t count,
		       struct uuid *out);

/* The permanent id of a row that is made from an entry of the stream (version 8). Ids sort in
 * stream order, so that new rows share the newest pages of an index.
 *
 * 	48 bits of milliseconds | version | 12 and, after the variant, 6 bits of the sequence number
 * 	| 56 bits of SHA-256 of namespace and name
 *
 * A sequence number past UUID_MAX_SEQ counts as that. `name` has at most UUID_MAX_NAME bytes. */
#define UUID_MAX_SEQ  262143u
#define UUID_MAX_NAME 200
void uuid_v8(struct stream_id entry, const struct uuid *space, struct str name, struct uuid *out);

/* The entry that is written in an id of version 8. Any other id gives an entry, too: to be sure,
 * make the id of that entry and compare. */
struct stream_id uuid_v8_entry(const struct uuid *id);

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
