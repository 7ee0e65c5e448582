/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of a request that handlers read. Slices live until the answer. Nothing here fails or
 * waits. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>

#include "core/identity.h"
#include "http/types.h"

enum http_method http_request_method(const struct http_request *request);
/* Without the query. %xx is decoded, except %2F. */
struct str http_request_path(const struct http_request *request);
struct str http_request_query(const struct http_request *request); /* raw, without '?' */
struct str http_request_param(const struct http_request *request, size_t index); /* n-th {piece} */
/* The first field of that name, trimmed; at == NULL when absent. */
struct str http_request_header(const struct http_request *request, const char *name);
/* The first cookie of that name; at == NULL when absent. */
struct str http_request_cookie(const struct http_request *request, const char *name);
struct str http_request_body(const struct http_request *request);
/* Does the client declare the body as application/json? */
bool http_request_is_json(const struct http_request *request);
/* Does Accept allow the type, and not with q=0? Without the field every type is allowed. */
bool http_request_takes(const struct http_request *request, const char *type);
/* Does Accept-Encoding name the content coding, or *, and not with q=0? */
bool http_request_takes_coding(const struct http_request *request, const char *coding);
/* False for HTTP/1.0, which has no chunks. */
bool http_request_takes_chunks(const struct http_request *request);
const char *http_request_id(const struct http_request *request);
struct identity *http_request_identity(struct http_request *request);

/* For the authentication hook: continues with the handler. */
void http_request_authenticated(struct http_request *request);

/* Called once, on the loop, never from within, when the client leaves before the answer or the
 * server closes. Use it to stop waiting. The handler must still answer, which frees the request.
 * A client that has only finished sending looks the same, so the answer is tried anyway. */
void http_request_on_abort(struct http_request *request, void (*on_abort)(void *owner),
			   void *owner);

#endif
