/* SPDX-License-Identifier: Apache-2.0 */

/* The list is short and read once per request, so it stays as configured: one text. */
#include "http/cors.h"

#include "http/request.h"
#include "http/response.h"

#define MAX_AGE_S "600"

bool cors_lists(const char *origins, struct str origin)
{
	struct str rest = origins ? str_of(origins) : STR("");

	while (origin.len > 0 && rest.len > 0)
		if (str_eq_nocase(str_trim(str_cut(&rest, ',')), origin))
			return true;
	return false;
}

/* Malformed requests are answered, too. */
static bool was_read(const struct http_request *request)
{
	return request->message.path.at;
}

static bool is_covered(const struct http_request *request, const char *origins)
{
	struct str path = was_read(request) ? http_request_path(request)
					    : message_raw_path(&request->message);

	return origins && origins[0] && str_starts(path, STR("/v1/"));
}

static struct str origin_of(const struct http_request *request)
{
	return was_read(request) ? http_request_header(request, "Origin")
				 : message_raw_field(&request->message, "Origin");
}

void cors_add_fields(struct http_request *request, const char *origins)
{
	struct str origin = origin_of(request);

	if (!is_covered(request, origins))
		return;
	/* Even without an origin: a cache must not give one origin's answer to another. */
	http_respond_header(request, "Vary", STR("Origin"));
	if (!cors_lists(origins, origin))
		return;
	http_respond_header(request, "Access-Control-Allow-Origin", origin);
	http_respond_header(request, "Access-Control-Allow-Credentials", STR("true"));
	http_respond_header(request, "Access-Control-Expose-Headers",
			    STR("X-Request-ID, X-Wrenn-Cursor, Retry-After"));
}

bool cors_answer_preflight(struct http_request *request, const char *origins)
{
	struct buf methods;

	if (http_request_method(request) != HTTP_OPTIONS || !request->match.allowed ||
	    !is_covered(request, origins) ||
	    !http_request_header(request, "Access-Control-Request-Method").at ||
	    !cors_lists(origins, http_request_header(request, "Origin")))
		return false;
	buf_init(&methods, 64);
	router_write_allowed(&methods, request->match.allowed);
	http_respond_header(request, "Access-Control-Allow-Methods", buf_str(&methods));
	buf_done(&methods);
	http_respond_header(request, "Access-Control-Allow-Headers",
			    STR("X-API-Key, X-CSRF-Token, Last-Event-ID, Content-Type"));
	http_respond_header(request, "Access-Control-Max-Age", STR(MAX_AGE_S));
	http_respond(request, 204, NULL, STR(""));
	return true;
}
