/* SPDX-License-Identifier: Apache-2.0 */

/* POST /v1/deliveries/{id}/redeliver and /v1/channels/{id}/recover; `owner` is the api of the
 * views. */
#ifndef VIEWS_REDELIVER_H
#define VIEWS_REDELIVER_H

#include "http/http.h"

void redeliver_one(struct http_request *request, void *owner);
void recover_many(struct http_request *request, void *owner);

#endif
