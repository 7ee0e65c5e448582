/* SPDX-License-Identifier: Apache-2.0 */

/* Answers. A request gets exactly one of these, or http_stream_open(). Each frees the request. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "core/buf.h"
#include "core/reason.h"
#include "http/types.h"

/* Adds a header field to the answer to come, at most 8 KiB together. A value with a control
 * character turns the answer into a 500. */
void http_respond_header(struct http_request *request, const char *name, struct str value);

/* The body is copied. For 204, pass content_type NULL and an empty body. */
void http_respond(struct http_request *request, int status, const char *content_type,
		  struct str body);

/* application/json, with a newline at the end. A failed buffer becomes a 500. */
void http_respond_json(struct http_request *request, int status, struct buf *json);

/* The envelope of contract c.5: code, message, request_id, retryable, and details.field when the
 * reason names one. 503 and 429 get Retry-After. A NULL reason gives the error's own message. */
void http_respond_error(struct http_request *request, enum http_error error,
			const struct reason *why);

/* The same, with this message and field; either may be NULL. */
void http_respond_fault(struct http_request *request, enum http_error error, const char *field,
			const char *message);

/* Answers with a store job's failure: 503 when it may pass (away, locked, full, out of memory,
 * closing), else 500. */
void http_respond_store_error(struct http_request *request, int rc);

#endif
