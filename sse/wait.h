/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/events/wait (contract b.6): a listener that leaves with its first item. */
#ifndef SSE_WAIT_H
#define SSE_WAIT_H

#include "http/http.h"
#include "sse/live.h"

struct beginning;
struct filter;

/* The request is answered later, exactly once. Takes over the filter. */
void wait_start(struct topic *topic, struct http_request *request, struct filter *filter,
		unsigned timeout_s, const struct beginning *beginning);

#endif
