/* SPDX-License-Identifier: Apache-2.0 */

/* Which Redis the tail reads. The shared connection may reach another server for a while. */
#ifndef SSE_SERVER_H
#define SSE_SERVER_H

#include "sse/live.h"

/* The tail reads this server now. `continues` is false when its stream is a different one. */
void server_set(struct sse *sse, const struct redis_identity *identity, bool continues);

/* False when the shared connection is known to reach another server than the tail. Ignore an answer
 * from there: it is about another stream. */
bool server_is_shared(const struct sse *sse);

#endif
