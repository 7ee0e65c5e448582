/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: llhttp pauses at the end of the head, so that the head can be checked before the
 * body. It pauses again at the end of the body, so it never sees a byte of the next request.
 *
 * Failure: when a proxy and we disagree about where a request ends, an attacker can smuggle a
 * request past the proxy. Strict mode refuses nearly everything two readers can disagree about.
 * llhttp 8 still accepts folded lines and lines that end with LF alone; every version accepts a
 * lone CR before the request. So breaks_line() checks each byte that is not content
 * (docs/notes/http.md).
 *
 * Trailer fields and the extensions of chunks are skipped. A trailer that could add a header field
 * would get around every check of the head.
 */
#include "http/parser.h"

#include <assert.h>
#include <llhttp.h>

#if LLHTTP_VERSION_MAJOR < 9 && !LLHTTP_STRICT_MODE
#error "llhttp before version 9 must be compiled with LLHTTP_STRICT_MODE=1"
#endif

/* Chunks of one byte have six bytes of framing; 64 KiB of them still pass. */
#define MAX_FRAMING    (512 * 1024)
#define MAX_CHUNK_SIZE 0xfffffff /* seven digits; the body's own limit is far lower */

static_assert(sizeof(llhttp_t) <= PARSER_SIZE, "there is room for llhttp");

/* One call of parser_take(). */
struct pass {
	struct parser *parser;
	const char *start;
	const char *checked; /* up to here */
	const char *wrong;   /* the byte that broke a line, or NULL */
	struct buf *body;
};

static uint16_t place_of(const struct pass *pass, const char *at)
{
	return (uint16_t)(pass->parser->head_len + (at - pass->start));
}

/* ---- the head ------------------------------------------------------------------------------ */

/* PRI begins HTTP/2, and llhttp would wait for the rest of that preface. */
static int on_method_complete(llhttp_t *llhttp)
{
	return llhttp_get_method(llhttp) == HTTP_PRI ? -1 : 0;
}

/* llhttp reports a span in adjoining parts when two pieces divide it. */
static int on_url(llhttp_t *llhttp, const char *at, size_t len)
{
	struct pass *pass = llhttp->data;
	struct head *head = &pass->parser->head;

	if (head->target_len == 0)
		head->target_at = place_of(pass, at);
	head->target_len = (uint16_t)(head->target_len + len);
	return 0;
}

static bool is_kept(const struct parser *parser)
{
	return parser->state == PARSER_HEAD && !parser->head.has_too_many_fields;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t len)
{
	struct pass *pass = llhttp->data;
	struct parser *parser = pass->parser;
	struct head *head = &parser->head;
	struct field *field;

	if (parser->state == PARSER_HEAD && !parser->in_name)
		head->has_too_many_fields = head->field_count == PARSER_MAX_FIELDS;
	if (!is_kept(parser))
		return 0;
	if (!parser->in_name)
		head->fields[head->field_count++].name_at = place_of(pass, at);
	parser->in_name = true;
	field = &head->fields[head->field_count - 1];
	field->name_len = (uint16_t)(field->name_len + len);
	return 0;
}

static int on_header_field_complete(llhttp_t *llhttp)
{
	struct pass *pass = llhttp->data;

	pass->parser->in_name = false;
	return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t len)
{
	struct pass *pass = llhttp->data;
	struct parser *parser = pass->parser;
	struct field *field;

	if (!is_kept(parser) || parser->head.field_count == 0)
		return 0;
	field = &parser->head.fields[parser->head.field_count - 1];
	if (!parser->in_value)
		field->value_at = place_of(pass, at);
	parser->in_value = true;
	field->value_len = (uint16_t)(place_of(pass, at) + len - field->value_at);
	return 0;
}

static int on_header_value_complete(llhttp_t *llhttp)
{
	struct pass *pass = llhttp->data;

	pass->parser->in_value = false;
	return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
	struct pass *pass = llhttp->data;
	struct head *head = &pass->parser->head;

	head->method = llhttp_method_name((llhttp_method_t)llhttp_get_method(llhttp));
	head->major = llhttp_get_http_major(llhttp);
	head->minor = llhttp_get_http_minor(llhttp);
	head->keep_alive = llhttp_should_keep_alive(llhttp) != 0;
	head->body_len = llhttp->content_length;
	pass->parser->state = PARSER_BODY;
	return HPE_PAUSED;
}

/* ---- the body ------------------------------------------------------------------------------ */

/* A line must end with CR and LF and contain no DEL. A line of the head must not start with white
 * space. */
static bool breaks_line(char last, char c, bool in_head)
{
	if ((last == '\r') != (c == '\n') || c == 0x7f)
		return true;
	return in_head && last == '\n' && (c == ' ' || c == '\t');
}

/* Checks the bytes up to `end`, none of which is content. */
static bool check_lines(struct pass *pass, const char *end, bool in_head)
{
	struct parser *parser = pass->parser;

	while (pass->checked < end && !pass->wrong) {
		const char *at = pass->checked++;

		if (breaks_line(parser->last, *at, in_head))
			pass->wrong = at;
		parser->last = *at;
		if (!in_head && ++parser->framing_len > MAX_FRAMING)
			pass->wrong = at;
	}
	return !pass->wrong;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
	struct pass *pass = llhttp->data;

	if (!check_lines(pass, at, false))
		return -1;
	pass->checked = at + len;
	buf_add(pass->body, at, len);
	return pass->body->err ? -1 : 0;
}

static int on_chunk_header(llhttp_t *llhttp)
{
	return llhttp->content_length > MAX_CHUNK_SIZE ? -1 : 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
	struct pass *pass = llhttp->data;

	pass->parser->state = PARSER_END;
	return HPE_PAUSED;
}

/* ---- head and body ------------------------------------------------------------------------- */

void parser_init(struct parser *parser)
{
	static const llhttp_settings_t settings = {
		.on_method_complete = on_method_complete,
		.on_url = on_url,
		.on_header_field = on_header_field,
		.on_header_field_complete = on_header_field_complete,
		.on_header_value = on_header_value,
		.on_header_value_complete = on_header_value_complete,
		.on_headers_complete = on_headers_complete,
		.on_body = on_body,
		.on_chunk_header = on_chunk_header,
		.on_message_complete = on_message_complete,
	};
	llhttp_t *llhttp = (llhttp_t *)parser->llhttp;

	*parser = (struct parser){ .state = PARSER_HEAD };
	llhttp_init(llhttp, HTTP_REQUEST, &settings);
	assert(llhttp->lenient_flags == 0); /* no lenient mode is on */
}

size_t parser_take(struct parser *parser, struct str bytes, struct buf *body)
{
	llhttp_t *llhttp = (llhttp_t *)parser->llhttp;
	bool in_head = parser->state == PARSER_HEAD;
	struct pass pass = {
		.parser = parser, .start = bytes.at, .checked = bytes.at, .body = body
	};
	const char *end = bytes.at + bytes.len;
	llhttp_errno_t rc;

	llhttp->data = &pass;
	llhttp_resume(llhttp); /* it paused at the end of the head */
	rc = llhttp_execute(llhttp, bytes.at, bytes.len);
	if (rc != HPE_OK)
		end = llhttp_get_error_pos(llhttp);
	if (rc != HPE_OK && rc != HPE_PAUSED)
		parser->state = PARSER_FAILED;
	if (!check_lines(&pass, end, in_head)) {
		parser->state = PARSER_FAILED;
		end = pass.wrong + 1;
	}
	if (in_head)
		parser->head_len = (uint16_t)(parser->head_len + (end - bytes.at));
	return (size_t)(end - bytes.at);
}
