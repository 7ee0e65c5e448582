/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/snapshots/pending; `owner` is the api of the views. */
#ifndef VIEWS_SNAPSHOTS_H
#define VIEWS_SNAPSHOTS_H

#include "http/http.h"

void view_pending_snapshots(struct http_request *request, void *owner);

#endif
