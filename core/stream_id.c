/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Redis stream entry ids as text. Strict where Redis is lenient: a bare "123" or "-" is refused
 * here, because a cursor that is read differently than it was meant loses events.
 */
#include "core/stream_id.h"

#include <errno.h>
#include <stdio.h>

int stream_id_parse(struct str text, struct stream_id *out)
{
	unsigned long long ms;
	unsigned long long seq;
	struct str rest = text;
	struct str first = str_cut(&rest, '-');

	if (!str_to_u64(first, &ms) || !str_to_u64(rest, &seq))
		return -EINVAL;
	*out = (struct stream_id){ .ms = ms, .seq = seq };
	return 0;
}

void stream_id_format(struct stream_id id, char out[STREAM_ID_TEXT_SIZE])
{
	snprintf(out, STREAM_ID_TEXT_SIZE, "%llu-%llu", (unsigned long long)id.ms,
		 (unsigned long long)id.seq);
}

struct stream_id stream_id_previous(struct stream_id id)
{
	if (id.seq > 0)
		id.seq--;
	else if (id.ms > 0)
		id = (struct stream_id){ .ms = id.ms - 1, .seq = UINT64_MAX };
	return id;
}

struct stream_id stream_id_next(struct stream_id id)
{
	if (id.seq < UINT64_MAX)
		id.seq++;
	else if (id.ms < UINT64_MAX)
		id = (struct stream_id){ .ms = id.ms + 1, .seq = 0 };
	return id;
}
