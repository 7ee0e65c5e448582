/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One request, without a socket. It takes bytes in pieces of any size, and ends as COMPLETE or
 * FAILED. The result does not depend on the pieces.
 *
 *   HEAD --> BODY --> COMPLETE        HEAD and BODY may fall to FAILED
 *      \______________/
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "core/buf.h"
#include "core/str.h"
#include "http/parser.h"
#include "http/types.h"

enum message_state { MESSAGE_HEAD, MESSAGE_BODY, MESSAGE_COMPLETE, MESSAGE_FAILED };

struct http_message {
	enum message_state state;

	/* Why it FAILED. The text is a constant or NULL. */
	enum http_error fault;
	const char *fault_text;

	struct parser parser;
	struct buf text; /* the head, with the empty lines before it */

	/* The following are set once the head is complete. */
	enum http_method method;
	bool head_only; /* HEAD: answer a GET, but without the body */
	bool is_http10;
	bool expects_continue;
	bool has_body;
	struct str path;
	struct str query;

	struct buf body;
};

void message_init(struct http_message *message);
void message_done(struct http_message *message);

/* Refuses the request with this answer; the text is a constant or NULL. The first failure stays. */
void message_fail(struct http_message *message, enum http_error fault, const char *text);

/* Takes the bytes of this request and returns how many. The rest belongs to the next request. */
size_t message_take(struct http_message *message, const char *bytes, size_t n);

/* The value of the first field of that name, trimmed; at == NULL when absent. */
struct str message_field(const struct http_message *message, const char *name);

/* Path and field of a head that is malformed or incomplete, as the client wrote them. Use them only
 * to answer it. */
struct str message_raw_path(const struct http_message *message);
struct str message_raw_field(const struct http_message *message, const char *name);

/* The n-th field; n below head.field_count. */
struct str message_field_name(const struct http_message *message, size_t n);
struct str message_field_value(const struct http_message *message, size_t n);

#endif
