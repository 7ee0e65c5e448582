/* SPDX-License-Identifier: Apache-2.0 */

/* Compares run ids. A Redis gets a new one at each start. */
#include "sse/server.h"

#include <string.h>

void server_set(struct sse *sse, const struct redis_identity *identity, bool continues)
{
	memcpy(sse->server, identity->run_id, sizeof(sse->server));
	sse->history.other_history = sse->history.other_history || !continues;
}

bool server_is_shared(const struct sse *sse)
{
	const struct redis_identity *other = redis_identity(sse->options.redis);

	return !sse->server[0] || !other->run_id[0] || strcmp(sse->server, other->run_id) == 0;
}
