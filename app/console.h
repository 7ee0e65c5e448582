/* SPDX-License-Identifier: Apache-2.0 */

/* GET /console/...: the pages for people, from the files that the build embedded. */
#ifndef APP_CONSOLE_H
#define APP_CONSOLE_H

#include <stdbool.h>

#include "app/console_assets.h"
#include "core/attributes.h"
#include "http/http.h"

struct console {
	const struct console_asset *assets; /* ends with a row without a path */
	bool is_off;                        /* every path answers 404 and says why */
};

/* `console` must outlive the server. */
int console_add_routes(struct console *console, struct http_server *server) must_check;

#endif
