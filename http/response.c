/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: head and body leave in one system call. Failure: an answer that cannot be built
 * becomes a 500. When that fails, too, the connection closes.
 */
#include "http/response.h"

#include <assert.h>
#include <errno.h>

#include "http/connection.h"
#include "http/exchange.h"
#include "http/response_head.h"

#define JSON_TYPE "application/json"

void http_respond_header(struct http_request *request, const char *name, struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];

		/* A line break would let the value forge another field. */
		if ((c >= 0 && c < 0x20 && c != '\t') || c == 0x7f)
			request->extra.err = -EINVAL;
	}
	buf_addf(&request->extra, "%s: %.*s\r\n", name, STR_ARGS(value));
}

static void answer(struct http_request *request, int status, const char *content_type,
		   struct str body)
{
	struct buf head;
	struct response response = {
		.status = status,
		.content_type = content_type,
		.body_len = body.len,
	};

	assert(!(status == 204 || status == 304) || body.len == 0);
	if (!request->message.parser.head.keep_alive || request->connection->pool->is_ending)
		request->close_after = true;
	buf_init(&head, RESPONSE_MAX_HEAD);
	response_write_head(&head, request, &response);
	if (request->message.head_only)
		body.len = 0;
	exchange_answer(request, status, &head, body);
	buf_done(&head);
}

void http_respond(struct http_request *request, int status, const char *content_type,
		  struct str body)
{
	if (request->extra.err || body.len > RESPONSE_MAX_BYTES - RESPONSE_MAX_HEAD) {
		buf_reset(&request->extra);
		http_respond_error(request, HTTP_INTERNAL_ERROR, NULL);
		return;
	}
	answer(request, status, content_type, body);
}

void http_respond_json(struct http_request *request, int status, struct buf *json)
{
	buf_add_char(json, '\n');
	if (json->err)
		http_respond_error(request, HTTP_INTERNAL_ERROR, NULL);
	else
		http_respond(request, status, JSON_TYPE, buf_str(json));
}
