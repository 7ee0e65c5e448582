/* SPDX-License-Identifier: Apache-2.0 */

/* GET /: says what this is, and where the console and the description of the API are. */
#ifndef APP_ROOT_H
#define APP_ROOT_H

#include "core/attributes.h"
#include "http/http.h"

/* The message of the 404 for an unknown path. */
extern const char root_unknown_path[];

int root_add_routes(struct http_server *server) must_check;

#endif
