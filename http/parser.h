/* SPDX-License-Identifier: Apache-2.0 */

/*
 * llhttp in strict mode over the bytes of one request, as they come: request line, header fields and
 * the framing of the body. It knows nothing of what they mean.
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
	char last; /* byte that was not content */
	bool in_name;
	bool in_value;
	alignas(void *) unsigned char llhttp[PARSER_SIZE];
};

void parser_init(struct parser *parser);

/* The head may have 65,535 bytes. Takes bytes up to the end of the head, or of the body, whose content it appends to *body. Returns
 * how many those were. After a failure of *body the parser has failed, too. Not after END, FAILED. */
size_t parser_take(struct parser *parser, struct str bytes, struct buf *body) must_check;

#endif
