/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: the parser takes the head, whose meaning is then checked, and then the body.
 * Failure: the first fault stays as the answer to give. No more bytes are taken.
 */
#include "http/message.h"

#include <assert.h>
#include <errno.h>

#include "http/target.h"

static_assert(HTTP_MAX_HEADERS == PARSER_MAX_FIELDS, "types.h promises what parser.h holds");
static_assert(HTTP_MAX_HEAD <= UINT16_MAX, "struct field holds places of 16 bits");

void message_init(struct http_message *message)
{
	*message = (struct http_message){ .state = MESSAGE_HEAD };
	parser_init(&message->parser);
	buf_init(&message->text, HTTP_MAX_HEAD);
	buf_init(&message->body, HTTP_MAX_BODY);
}

void message_done(struct http_message *message)
{
	buf_done(&message->text);
	buf_done(&message->body);
}

void message_fail(struct http_message *message, enum http_error fault, const char *text)
{
	if (message->state == MESSAGE_FAILED)
		return;
	message->state = MESSAGE_FAILED;
	message->fault = fault;
	message->fault_text = text;
}

static void fail_syntax(struct http_message *message, const char *text)
{
	message_fail(message, HTTP_INVALID_REQUEST, text);
}

struct str message_field_name(const struct http_message *message, size_t n)
{
	const struct field *field = &message->parser.head.fields[n];

	return (struct str){ .at = message->text.bytes + field->name_at, .len = field->name_len };
}

struct str message_field_value(const struct http_message *message, size_t n)
{
	const struct field *field = &message->parser.head.fields[n];

	return str_trim((struct str){ .at = message->text.bytes + field->value_at,
				      .len = field->value_len });
}

/* Counts the fields of that name; *value is the first one's. */
static size_t find_field(const struct http_message *message, const char *name, struct str *value)
{
	size_t found = 0;

	*value = (struct str){ .at = NULL, .len = 0 };
	for (size_t i = 0; i < message->parser.head.field_count; i++) {
		if (!str_eq_nocase(message_field_name(message, i), str_of(name)))
			continue;
		if (found++ == 0)
			*value = message_field_value(message, i);
	}
	return found;
}

struct str message_field(const struct http_message *message, const char *name)
{
	struct str value;

	find_field(message, name, &value);
	return value;
}

/* The bytes of the head so far, without the empty lines before it. */
static struct str raw_lines(const struct http_message *message)
{
	struct str lines = buf_str(&message->text);

	while (lines.len && (lines.at[0] == '\r' || lines.at[0] == '\n'))
		lines = str_from(lines, 1);
	return lines;
}

struct str message_raw_path(const struct http_message *message)
{
	struct str lines = raw_lines(message);
	struct str target = str_cut(&lines, '\n');

	(void)str_cut(&target, ' '); /* the method */
	target = str_cut(&target, ' ');
	return str_cut(&target, '?');
}

struct str message_raw_field(const struct http_message *message, const char *name)
{
	struct str lines = raw_lines(message);

	(void)str_cut(&lines, '\n');
	while (lines.at) {
		struct str value = str_cut(&lines, '\n');

		/* The last line may have been cut off. */
		if (lines.at && str_eq_nocase(str_cut(&value, ':'), str_of(name)))
			return str_trim(value);
	}
	return (struct str){ .at = NULL, .len = 0 };
}

/* ---- the meaning of a head ------------------------------------------------------------- */

static void read_method(struct http_message *message)
{
	static const struct {
		const char *name;
		enum http_method method;
	} methods[] = {
		{ "GET", HTTP_GET },         { "HEAD", HTTP_GET },    { "POST", HTTP_POST },
		{ "PUT", HTTP_PUT },         { "PATCH", HTTP_PATCH }, { "DELETE", HTTP_DELETE },
		{ "OPTIONS", HTTP_OPTIONS },
	};
	struct str name = str_of(message->parser.head.method);

	message->method = HTTP_OTHER;
	message->head_only = str_is(name, "HEAD");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (str_is(name, methods[i].name))
			message->method = methods[i].method;
	}
}

static void check_fields(struct http_message *message)
{
	struct str host;
	size_t hosts = find_field(message, "host", &host);

	for (size_t i = 0; i < message->parser.head.field_count; i++) {
		if (message_field_name(message, i).len == 0) /* llhttp 8 allows it */
			fail_syntax(message, "a header field has no name");
	}
	if (hosts > 1 || (hosts == 0 && !message->is_http10))
		fail_syntax(message, "a request needs exactly one Host field");
	for (size_t i = 0; i < host.len; i++) {
		if (host.at[i] <= 0x20 || host.at[i] >= 0x7f || strchr("/?#@\\,", host.at[i]))
			fail_syntax(message, "the Host field is malformed");
	}
}

/* llhttp refuses a second length or coding, and a length together with a coding. It leaves unknown
 * codings to us: they would hide the length (RFC 9112, section 6). */
static void read_length(struct http_message *message)
{
	struct str coding;
	size_t codings = find_field(message, "transfer-encoding", &coding);

	if (codings && message->is_http10)
		return fail_syntax(message, "Transfer-Encoding needs HTTP/1.1");
	if (codings && !str_eq_nocase(coding, STR("chunked")))
		return fail_syntax(message, "Transfer-Encoding must be chunked");
	if (message->parser.head.body_len > HTTP_MAX_BODY)
		return message_fail(message, HTTP_PAYLOAD_TOO_LARGE, NULL);
	message->has_body = codings || message->parser.head.body_len;
}

static void read_target(struct http_message *message)
{
	char *target = message->text.bytes + message->parser.head.target_at;
	const char *wrong = target_split(target, message->parser.head.target_len,
					 str_is(str_of(message->parser.head.method), "OPTIONS"),
					 &message->path, &message->query);

	if (wrong)
		fail_syntax(message, wrong);
}

static void head_complete(struct http_message *message)
{
	const struct head *head = &message->parser.head;

	if (head->has_too_many_fields)
		return message_fail(message, HTTP_HEAD_TOO_LARGE,
				    "the request has more than 64 header fields");
	if (head->major != 1 || head->minor > 1)
		return fail_syntax(message, "the HTTP version must be 1.0 or 1.1");
	message->is_http10 = head->minor == 0;
	message->expects_continue =
		!message->is_http10 &&
		str_eq_nocase(message_field(message, "expect"), STR("100-continue"));
	read_method(message);
	check_fields(message);
	read_length(message);
	read_target(message);
	if (message->state == MESSAGE_HEAD)
		message->state = message->has_body ? MESSAGE_BODY : MESSAGE_COMPLETE;
}

/* ---- gathering ----------------------------------------------------------------------------- */

static size_t take_head(struct http_message *message, struct str bytes)
{
	size_t room = HTTP_MAX_HEAD - message->text.len;
	size_t used;

	if (bytes.len && room == 0) {
		message_fail(message, HTTP_HEAD_TOO_LARGE, NULL);
		return 0;
	}
	if (bytes.len > room)
		bytes.len = room;
	used = parser_take(&message->parser, bytes, &message->body);
	buf_add(&message->text, bytes.at, used);
	if (message->text.err)
		message_fail(message, HTTP_INTERNAL_ERROR, "out of memory");
	else if (message->parser.state == PARSER_FAILED)
		fail_syntax(message, "the request head is not valid HTTP/1.1");
	else if (message->parser.state == PARSER_BODY)
		head_complete(message);
	return used;
}

static size_t take_body(struct http_message *message, struct str bytes)
{
	struct buf *body = &message->body;
	size_t used = parser_take(&message->parser, bytes, body);

	if (body->err == -E2BIG)
		message_fail(message, HTTP_PAYLOAD_TOO_LARGE, NULL);
	else if (body->err)
		message_fail(message, HTTP_INTERNAL_ERROR, "out of memory");
	else if (message->parser.state == PARSER_FAILED)
		fail_syntax(message, "the chunks of the body are not valid HTTP/1.1");
	else if (message->parser.state == PARSER_END)
		message->state = MESSAGE_COMPLETE;
	return used;
}

size_t message_take(struct http_message *message, const char *bytes, size_t n)
{
	struct str rest = { .at = bytes, .len = n };

	while (rest.len && message->state == MESSAGE_HEAD)
		rest = str_from(rest, take_head(message, rest));
	if (rest.len && message->state == MESSAGE_BODY)
		rest = str_from(rest, take_body(message, rest));
	return n - rest.len;
}
