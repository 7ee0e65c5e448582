/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/events/{id}/listeners; `owner` is the struct sse. */
#ifndef SSE_AUDIENCE_H
#define SSE_AUDIENCE_H

#include "http/http.h"

void audience_show(struct http_request *request, void *owner);

#endif
