/* SPDX-License-Identifier: Apache-2.0 */

/* Redis stream entry ids, "<milliseconds>-<sequence>", which are also our SSE cursors. */
#ifndef CORE_STREAM_ID_H
#define CORE_STREAM_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/str.h"

#define STREAM_ID_TEXT_SIZE 42 /* two numbers of 20 digits, hyphen, NUL */

struct stream_id {
	uint64_t ms;
	uint64_t seq;
};

/* Both numbers required, digits only, each below 2^64; else -EINVAL. */
int stream_id_parse(struct str text, struct stream_id *out) must_check;

void stream_id_format(struct stream_id id, char out[STREAM_ID_TEXT_SIZE]);

static inline int stream_id_compare(struct stream_id a, struct stream_id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	if (a.seq != b.seq)
		return a.seq < b.seq ? -1 : 1;
	return 0;
}

static inline bool stream_id_is_zero(struct stream_id id)
{
	return id.ms == 0 && id.seq == 0;
}

/* The id right before; zero stays zero. */
struct stream_id stream_id_previous(struct stream_id id);

/* The id right after; the very last one stays as it is. */
struct stream_id stream_id_next(struct stream_id id);

#endif
