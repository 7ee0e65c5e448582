/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The state of the service itself, for platform administrators:
 *
 *   GET  /v1/admin/status                     workers, ledger, stream, deliveries, store, loop
 *   GET  /v1/admin/dead-letters               events that could not be committed, and why
 *   POST /v1/admin/dead-letters/{id}/offer    puts one into the stream again
 */
#ifndef APP_ADMIN_H
#define APP_ADMIN_H

#include "app/admin_sources.h"
#include "core/attributes.h"
#include "http/http.h"

/* `admin` must outlive the server. */
int admin_add_routes(struct admin *admin, struct http_server *server) must_check;

#endif
