/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/admin/status. */
#ifndef APP_ADMIN_STATUS_H
#define APP_ADMIN_STATUS_H

#include "http/http.h"

void admin_show_status(struct http_request *request, void *owner);

#endif
