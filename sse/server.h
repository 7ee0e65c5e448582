/* SPDX-License-Identifier: Apache-2.0 */

/* Which Redis is it? The tail and the shared connection may reach different servers for a while. */
#ifndef SSE_SERVER_H
#define SSE_SERVER_H

#include "sse/live.h"

/* The tail reads from this server now. `continues` is false when its stream is another one. */
void server_set(struct sse *sse, const struct redis_identity *identity, bool continues);

/* The shared connection reaches the server that the tail reads, as far as we know. An answer from
 * another server says nothing about our stream. */
bool server_is_shared(const struct sse *sse);

#endif
