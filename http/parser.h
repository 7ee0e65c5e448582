/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads one request with llhttp in strict mode, in pieces of any size: request line, header fields,
 * and the framing of the body. It does not know what they mean.
 *
 * Names of methods in llhttp.h are the same as in http/types.h, so no file can include both.
 */
#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"

#define PARSER_SIZE       96 /* bytes of llhttp's own state */
#define PARSER_MAX_FIELDS 64

/* Places in the bytes of the head. */
struct field {
	uint16_t name_at;
	uint16_t name_len;
	uint16_t value_at;
	uint16_t value_len;
};

struct head {
	const char *method; /* in capitals, a constant */
	uint16_t target_at;
	uint16_t target_len;
	uint8_t major;
	uint8_t minor;
	bool keep_alive;
	bool has_too_many_fields;
	uint8_t field_count;
	uint64_t body_len; /* by Content-Length */
	struct field fields[PARSER_MAX_FIELDS];
};

enum parser_state {
	PARSER_HEAD,
	PARSER_BODY, /* the head has ended; a request without a body stays here */
	PARSER_END,
	PARSER_FAILED
};

struct parser {
	enum parser_state state;
	struct head head;
	uint32_t framing_len; /* bytes of the body that were not its content */
	uint16_t head_len;
	char last; /* the last byte that was not content */
	bool in_name;
	bool in_value;
	alignas(void *) unsigned char llhttp[PARSER_SIZE];
};

void parser_init(struct parser *parser);

/* Takes bytes up to the end of the head, or up to the end of the body, and returns how many.
 * Appends the content of the body to *body; when that fails, so does the parser. The head may
 * have 65,535 bytes. Do not call it again in END or FAILED. */
size_t parser_take(struct parser *parser, struct str bytes, struct buf *body) must_check;

#endif
