/* SPDX-License-Identifier: Apache-2.0 */

/* Flushes all lists before the turn ends, and drops the history when events cannot be kept. */
#ifndef SSE_HUB_H
#define SSE_HUB_H

#include "sse/live.h"

/* Serves every list now instead of at the end of the turn. Not from within a pump. */
void hub_flush(struct sse *sse);

/* Events up to `last` cannot be kept. Closes every listener and forgets the history, so that each
 * listener comes back with its cursor and is served from Redis. Not from within a pump. */
void hub_lose(struct sse *sse, struct stream_id last);

/* Drops all items. The caller has ended the listeners that need one of them. */
void hub_forget(struct sse *sse);

#endif
