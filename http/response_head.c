/* SPDX-License-Identifier: Apache-2.0 */

/* Most fields depend on the answer; version, id and the handler's fields come from the request. */
#include "http/response_head.h"

#include "http/connection.h"
#include "http/request.h"

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
	struct pool *pool = request->connection->pool;
	bool is_json = response->content_type &&
		       str_starts(str_of(response->content_type), STR("application/json"));
	bool has_body = response->status != 204 && response->status != 304;

	buf_addf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", response->status,
		 status_text(response->status), date_now(&pool->date));
	if (response->content_type && !response_has_field(request, "Content-Type"))
		buf_addf(out, "Content-Type: %s\r\n", response->content_type);
	if (response->is_stream)
		buf_add_text(out,
			     "Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\n");
	if (response->is_stream && http_request_takes_chunks(request))
		buf_add_text(out, "Transfer-Encoding: chunked\r\n");
	if (!response->is_stream && has_body)
		buf_addf(out, "Content-Length: %zu\r\n", response->body_len);
	if (is_json && !response_has_field(request, "Cache-Control"))
		buf_add_text(out, "Cache-Control: no-store\r\n");
	write_connection(out, request, response->is_stream);
	buf_addf(out, "X-Request-ID: %s\r\nX-Content-Type-Options: nosniff\r\n", request->id);
	buf_add_str(out, buf_str(&request->extra));
	buf_add_text(out, "\r\n");
}
