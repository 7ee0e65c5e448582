/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/events/wait (contract b.6): a listener that leaves with its first item. */
#ifndef SSE_WAIT_H
#define SSE_WAIT_H

#include "sse/subscriber.h"

/* The request is answered later, exactly once. Takes over the filter. */
void wait_start(struct topic *topic, struct http_request *request, struct filter *filter,
		unsigned timeout_s, const struct beginning *beginning);

/* Answers with the item, which is ready; the wait is over. */
void wait_answer(struct subscriber *sub, const struct item *item);

/* Ends it without an answer of its own. */
void wait_refuse(struct subscriber *sub, enum close_reason reason);

/* A recheck that had been waited for is over. */
void wait_release(struct subscriber *sub);

#endif
