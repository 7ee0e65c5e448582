/* SPDX-License-Identifier: Apache-2.0 */

/* Brings one listener as far as its socket, the history and Redis allow. */
#ifndef SSE_PUMP_H
#define SSE_PUMP_H

#include "sse/subscriber.h"

struct beginning;

/* Starts a new listener where `beginning` says, and pumps it. When out of memory it is ended. */
void pump_begin(struct subscriber *sub, const struct beginning *beginning);

/* Sends what there is. For listeners outside the front line. */
void pump(struct subscriber *sub);

/* Continues the replays whose read of Redis is over. */
void pump_replays(struct sse *sse);

#endif
