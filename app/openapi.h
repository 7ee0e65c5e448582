/* SPDX-License-Identifier: Apache-2.0 */

/* GET /openapi.yaml: the description of the API for programs. */
#ifndef APP_OPENAPI_H
#define APP_OPENAPI_H

#include "core/attributes.h"
#include "http/http.h"

int openapi_add_routes(struct http_server *server) must_check;

#endif
