/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Answers: the head as text, and the calls handlers make.
 *
 * Happy path: head and body leave in one writev. Failure: an answer that cannot be built becomes a
 * 500; if not even that can be, the connection closes.
 */
#include "http/response.h"

#include <assert.h>
#include <errno.h>

#include "http/connection.h"

#define JSON_TYPE "application/json"

static const char *status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 304, "Not Modified" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i].status == status)
			return texts[i].text;
	}
	return "Other"; /* the phrase is for people, any will do */
}

bool response_has_field(const struct http_request *request, const char *name)
{
	struct str lines = buf_str(&request->extra);

	while (lines.len) {
		struct str line = str_cut(&lines, '\n');

		if (str_eq_nocase(str_cut(&line, ':'), str_of(name)))
			return true;
	}
	return false;
}

static bool is_json(const char *content_type)
{
	return content_type && str_starts(str_of(content_type), STR(JSON_TYPE));
}

static void write_connection(struct buf *out, const struct http_request *request, bool is_stream)
{
	if (request->close_after || (is_stream && request->message.is_http10))
		buf_add_text(out, "Connection: close\r\n");
	else if (is_stream || request->message.is_http10)
		buf_add_text(out, "Connection: keep-alive\r\n");
}

void response_write_head(struct buf *out, const struct http_request *request,
			 const struct response *response)
{
	bool has_body = response->status != 204 && response->status != 304;

	buf_addf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", response->status,
		 status_text(response->status), response->date);
	if (response->content_type)
		buf_addf(out, "Content-Type: %s\r\n", response->content_type);
	if (response->is_stream)
		buf_add_text(out,
			     "Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\n");
	if (response->is_stream && http_request_takes_chunks(request))
		buf_add_text(out, "Transfer-Encoding: chunked\r\n");
	if (!response->is_stream && has_body)
		buf_addf(out, "Content-Length: %zu\r\n", response->body_len);
	if (is_json(response->content_type) && !response_has_field(request, "Cache-Control"))
		buf_add_text(out, "Cache-Control: no-store\r\n");
	write_connection(out, request, response->is_stream);
	buf_addf(out, "X-Request-ID: %s\r\nX-Content-Type-Options: nosniff\r\n", request->id);
	buf_add_str(out, buf_str(&request->extra));
	buf_add_text(out, "\r\n");
}

void http_respond_header(struct http_request *request, const char *name, struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];

		/* Would let the value forge fields of its own. */
		if ((c >= 0 && c < 0x20 && c != '\t') || c == 0x7f)
			request->extra.err = -EINVAL;
	}
	buf_addf(&request->extra, "%s: %.*s\r\n", name, STR_ARGS(value));
}

static void answer(struct http_request *request, int status, const char *content_type,
		   struct str body)
{
	struct connection *connection = request->connection;
	struct buf head;
	struct response response = {
		.status = status,
		.content_type = content_type,
		.body_len = body.len,
		.date = connection_date(connection),
	};

	assert(!(status == 204 || status == 304) || body.len == 0);
	if (!request->message.head.keep_alive || connection_is_ending(connection))
		request->close_after = true;
	buf_init(&head, RESPONSE_MAX_HEAD);
	response_write_head(&head, request, &response);
	if (request->message.head_only)
		body.len = 0;
	connection_answer(connection, status, &head, body);
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
