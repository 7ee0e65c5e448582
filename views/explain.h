/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/events/{id}/explain; `owner` is the api of the views. */
#ifndef VIEWS_EXPLAIN_H
#define VIEWS_EXPLAIN_H

#include "http/http.h"

void view_explain(struct http_request *request, void *owner);

#endif
