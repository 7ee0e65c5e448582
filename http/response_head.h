/* SPDX-License-Identifier: Apache-2.0 */

/* Builds the head of an answer. Sends nothing. */
#ifndef HTTP_RESPONSE_HEAD_H
#define HTTP_RESPONSE_HEAD_H

#include "http/request_state.h"

struct response {
	int status;
	const char *content_type; /* NULL: none */
	size_t body_len;
	bool is_stream; /* the fields of contract b.2, and chunks instead of a length */
};

/* Appends status line, fields and the empty line. */
void response_write_head(struct buf *out, const struct http_request *request,
			 const struct response *response);

/* True when the handler has set that field. */
bool response_has_field(const struct http_request *request, const char *name);

#endif
