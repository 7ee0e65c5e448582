/* SPDX-License-Identifier: Apache-2.0 */

/* The frame `connected` (contract b.2): a stream's first one, and the word about a gap in its midst. */
#ifndef SSE_GREETING_H
#define SSE_GREETING_H

#include "sse/live.h"

struct beginning;

/* 0, -ENOMEM or -E2BIG. */
int greeting_make(struct sse *sse, const struct beginning *beginning, struct item **out) must_check;

/* The same event without an id: events were lost, and what comes next comes after `from`. The client
 * keeps its cursor, which lies before the gap; so it is told again if it breaks off now. */
int greeting_make_gap(struct sse *sse, struct stream_id from, struct item **out) must_check;

#endif
