/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/channels/{id}/deliveries and GET /v1/deliveries/{id}; `owner` is the api of the views. */
#ifndef VIEWS_SHOW_H
#define VIEWS_SHOW_H

#include "http/http.h"

void view_deliveries(struct http_request *request, void *owner);
void view_delivery(struct http_request *request, void *owner);

#endif
