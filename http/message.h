/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One request as bytes come in, without a socket: fed in pieces of any size, it ends as COMPLETE or
 * FAILED, the same whatever the pieces were.
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

	/* What is wrong, when FAILED. The text is a constant. */
	enum http_error fault;
	const char *fault_text;

	struct parser parser;
	struct buf text; /* the head, with the empty lines before it */

	/* From here on set once the head is complete. */
	enum http_method method;
	bool head_only; /* HEAD: a GET without the body of the answer */
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

/* Takes bytes that belong to this request, while it is in HEAD or BODY, and returns how many those
 * were; the rest belongs to the next one. */
size_t message_take(struct http_message *message, const char *bytes, size_t n);

/* The value of the first field of that name, trimmed; at == NULL when absent. */
struct str message_field(const struct http_message *message, const char *name);

/* The same two of a head that could not be read, or not to its end, as they stand there. For what an answer
 * to it needs, and nothing else. */
struct str message_raw_path(const struct http_message *message);
struct str message_raw_field(const struct http_message *message, const char *name);

/* The n-th field; n below head.field_count. */
struct str message_field_name(const struct http_message *message, size_t n);
struct str message_field_value(const struct http_message *message, size_t n);

#endif
