/* SPDX-License-Identifier: Apache-2.0 */

/* The frame `connected` (contract b.2): the first of every stream, and the notice of a later
 * gap. */
#ifndef SSE_GREETING_H
#define SSE_GREETING_H

#include "sse/live.h"

struct beginning;

/* 0, -ENOMEM or -E2BIG. */
int greeting_make(struct sse *sse, const struct beginning *beginning, struct item **out) must_check;

/* The same event without an id: events were lost, and the next ones come after `from`. The client
 * keeps its cursor from before the gap, so a reconnect now reports it again. */
int greeting_make_gap(struct sse *sse, struct stream_id from, struct item **out) must_check;

#endif
