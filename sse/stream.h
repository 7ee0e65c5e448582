/* SPDX-License-Identifier: Apache-2.0 */

/* A listener that is an open stream. */
#ifndef SSE_STREAM_H
#define SSE_STREAM_H

#include "http/http.h"
#include "sse/live.h"

struct beginning;
struct filter;

/* Answers the request with a stream. The request is dead afterwards. Takes over the filter. */
void stream_start(struct topic *topic, struct http_request *request, struct filter *filter,
		  const struct beginning *beginning);

/* For sse->keepalives and sse->stalls. */
void on_keepalive_due(struct deadline *deadline, void *owner);
void on_stall_due(struct deadline *deadline, void *owner);

#endif
