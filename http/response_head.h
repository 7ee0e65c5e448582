/* SPDX-License-Identifier: Apache-2.0 */

/* Builds the bytes of an answer's head. Sending is the connection's. */
#ifndef HTTP_RESPONSE_HEAD_H
#define HTTP_RESPONSE_HEAD_H

#include "http/request_state.h"

struct response {
	int status;
	const char *content_type; /* NULL: none */
	size_t body_len;
	bool is_stream; /* the fields of contract b.2 and chunks instead of a length */
};

/* Status line, fields and the empty line. Reads of the request: its id, version, and the fields added. */
void response_write_head(struct buf *out, const struct http_request *request,
			 const struct response *response);

/* Has the handler set that field of the answer itself? */
bool response_has_field(const struct http_request *request, const char *name);

#endif
