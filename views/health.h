/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/channels/{id}/health; `owner` is the api of the views. */
#ifndef VIEWS_HEALTH_H
#define VIEWS_HEALTH_H

#include "http/http.h"

void view_health(struct http_request *request, void *owner);

#endif
