/* SPDX-License-Identifier: Apache-2.0 */

/* Every link is relative, because only the client knows the prefix that a proxy puts before it. */
#include "app/root.h"

#include "core/version.h"

const char root_unknown_path[] =
	"wrenn-events serves nothing at this path; /openapi.yaml describes what it serves, "
	"/console/ is for people";

static const char about[] =
	"{\"name\":\"wrenn-events\",\"version\":\"" WRENN_EVENTS_VERSION "\","
	"\"about\":\"Live events, notifications and the audit trail of a Wrenn platform.\","
	"\"console\":\"console/\",\"openapi\":\"openapi.yaml\",\"ready\":\"readyz\","
	"\"metrics\":\"metrics\"}\n";

/* Browsers name the type; programs take anything and get JSON. */
static bool is_browser(const struct http_request *request)
{
	struct str ranges = http_request_header(request, "accept");

	while (ranges.at) {
		struct str range = str_cut(&ranges, ',');

		if (str_eq_nocase(str_trim(str_cut(&range, ';')), STR("text/html")))
			return true;
	}
	return false;
}

static void answer_root(struct http_request *request, void *owner)
{
	(void)owner;
	http_respond_header(request, "Vary", STR("Accept"));
	if (is_browser(request)) {
		http_respond_header(request, "Location", STR("console/"));
		http_respond(request, 302, "text/plain; charset=utf-8", STR("console/\n"));
	} else {
		http_respond(request, 200, "application/json", str_of(about));
	}
}

int root_add_routes(struct http_server *server)
{
	const struct http_route routes[] = {
		{ HTTP_GET, "/", ACCESS_PUBLIC, answer_root, NULL },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
