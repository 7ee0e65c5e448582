/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads one request.
 *
 * Happy path: the head is gathered up to its empty line, under a look at every byte; llhttp then
 * reads it whole, the fields that say how long the body is are checked, and the body is gathered
 * up to its length or its last chunk.
 * Failure: the first fault wins, is kept as the answer to give, and nothing more is taken.
 */
#include "http/message.h"

#include <assert.h>
#include <errno.h>

#include "http/target.h"

static_assert(HTTP_MAX_HEADERS == HEAD_MAX_FIELDS, "http.h promises what head.h holds");
static_assert(HTTP_MAX_HEAD <= UINT16_MAX, "struct field holds 16 bit places");

void message_init(struct message *message)
{
	*message = (struct message){ .state = MESSAGE_HEAD };
	buf_init(&message->text, HTTP_MAX_HEAD);
	buf_init(&message->body, HTTP_MAX_BODY);
}

void message_done(struct message *message)
{
	buf_done(&message->text);
	buf_done(&message->body);
}

void message_fail(struct message *message, enum http_error fault, const char *text)
{
	if (message->state == MESSAGE_FAILED)
		return;
	message->state = MESSAGE_FAILED;
	message->fault = fault;
	message->fault_text = text;
}

static void fail_syntax(struct message *message, const char *text)
{
	message_fail(message, HTTP_INVALID_REQUEST, text);
}

struct str message_field_name(const struct message *message, size_t n)
{
	const struct field *field = &message->head.fields[n];

	return (struct str){ .at = message->text.bytes + message->start + field->name_at,
			     .len = field->name_len };
}

struct str message_field_value(const struct message *message, size_t n)
{
	const struct field *field = &message->head.fields[n];

	return str_trim((struct str){ .at = message->text.bytes + message->start + field->value_at,
				      .len = field->value_len });
}

/* How often the field is there; *value is the first one's. */
static size_t find_field(const struct message *message, const char *name, struct str *value)
{
	size_t found = 0;

	*value = (struct str){ .at = NULL, .len = 0 };
	for (size_t i = 0; i < message->head.field_count; i++) {
		if (!str_eq_nocase(message_field_name(message, i), str_of(name)))
			continue;
		if (found++ == 0)
			*value = message_field_value(message, i);
	}
	return found;
}

struct str message_field(const struct message *message, const char *name)
{
	struct str value;

	find_field(message, name, &value);
	return value;
}

static struct str raw_lines(const struct message *message)
{
	return str_from(buf_str(&message->text), message->start);
}

struct str message_raw_path(const struct message *message)
{
	struct str lines = raw_lines(message);
	struct str target = str_cut(&lines, '\n');

	(void)str_cut(&target, ' '); /* the method */
	target = str_cut(&target, ' ');
	return str_cut(&target, '?');
}

struct str message_raw_field(const struct message *message, const char *name)
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

static void read_method(struct message *message)
{
	static const struct {
		const char *name;
		enum http_method method;
	} methods[] = {
		{ "GET", HTTP_GET },         { "HEAD", HTTP_GET },    { "POST", HTTP_POST },
		{ "PUT", HTTP_PUT },         { "PATCH", HTTP_PATCH }, { "DELETE", HTTP_DELETE },
		{ "OPTIONS", HTTP_OPTIONS },
	};
	struct str name = str_of(message->head.method);

	message->method = HTTP_OTHER;
	message->head_only = str_is(name, "HEAD");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (str_is(name, methods[i].name))
			message->method = methods[i].method;
	}
}

/* RFC 9110, section 5.6.2. llhttp's loose build lets a space pass, which would hide a field. */
static bool is_token(struct str name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
			continue;
		if (!memchr(others, c, sizeof(others) - 1))
			return false;
	}
	return name.len > 0;
}

static void check_fields(struct message *message)
{
	struct str host;
	size_t hosts = find_field(message, "host", &host);

	for (size_t i = 0; i < message->head.field_count; i++) {
		if (!is_token(message_field_name(message, i)))
			fail_syntax(message, "a header field has a malformed name");
	}
	if (hosts > 1 || (hosts == 0 && !message->is_http10))
		fail_syntax(message, "a request needs one Host field");
	for (size_t i = 0; i < host.len; i++) {
		if (host.at[i] <= 0x20 || host.at[i] >= 0x7f || strchr("/?#@\\,", host.at[i]))
			fail_syntax(message, "the Host field is malformed");
	}
}

/* Exactly one way to tell the length, or none: whatever two readers could take for two different
 * lengths is refused (RFC 9112, section 6). */
static void read_length(struct message *message)
{
	struct str coding;
	struct str length;
	unsigned long long len = 0;
	size_t codings = find_field(message, "transfer-encoding", &coding);
	size_t lengths = find_field(message, "content-length", &length);

	if (codings + lengths > 1)
		return fail_syntax(message, "the length of the body is stated more than once");
	if (codings && message->is_http10)
		return fail_syntax(message, "HTTP/1.0 has no Transfer-Encoding");
	if (codings && !str_eq_nocase(coding, STR("chunked")))
		return fail_syntax(message, "the only Transfer-Encoding here is chunked");
	if (lengths && !str_to_u64(length, &len))
		return fail_syntax(message, "Content-Length must be a number");
	if (len > HTTP_MAX_BODY)
		return message_fail(message, HTTP_PAYLOAD_TOO_LARGE, "the body is too large");
	message->chunked = codings > 0;
	message->body_len = (size_t)len;
}

static void read_target(struct message *message)
{
	char *target = message->text.bytes + message->start + message->head.target_at;
	const char *wrong = target_split(target, message->head.target_len,
					 str_is(str_of(message->head.method), "OPTIONS"),
					 &message->path, &message->query);

	if (wrong)
		fail_syntax(message, wrong);
}

static void head_complete(struct message *message)
{
	struct str text = str_from(buf_str(&message->text), message->start);
	int rc = head_parse(&message->head, text);

	if (rc == -E2BIG)
		return message_fail(message, HTTP_HEAD_TOO_LARGE, "too many header fields");
	if (rc < 0)
		return fail_syntax(message, "this is not an HTTP request");
	if (message->head.major != 1 || message->head.minor > 1)
		return fail_syntax(message, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	message->is_http10 = message->head.minor == 0;
	message->expects_continue =
		!message->is_http10 &&
		str_eq_nocase(message_field(message, "expect"), STR("100-continue"));
	read_method(message);
	check_fields(message);
	read_length(message);
	read_target(message);
	if (message->state == MESSAGE_HEAD)
		message->state =
			message->chunked || message->body_len ? MESSAGE_BODY : MESSAGE_COMPLETE;
}

/* ---- gathering ------------------------------------------------------------------------- */

/* One byte of the head, the n-th. Says true at its end. */
static bool look_at(struct message *message, char c, size_t n)
{
	if (message->after_cr) {
		bool empty = message->line_len == 0;

		message->after_cr = false;
		message->line_len = 0;
		if (c != '\n')
			fail_syntax(message, "a carriage return stands alone");
		if (empty && message->start + 1 == n) {
			message->start = n + 1; /* empty lines before the request are allowed */
			return false;
		}
		return empty;
	}
	message->after_cr = c == '\r';
	if (message->after_cr)
		return false;
	if ((c == ' ' || c == '\t') && message->line_len == 0)
		fail_syntax(message, "a line of the head starts with white space");
	/* Also what gives away at once that this is no HTTP at all, such as TLS. */
	if ((c >= 0 && c < 0x20 && c != '\t') || c == 0x7f)
		fail_syntax(message, "the head has a control character");
	message->line_len++;
	return false;
}

static size_t take_head(struct message *message, const char *bytes, size_t n)
{
	size_t before = message->text.len;
	size_t used = 0;
	bool ended = false;

	while (used < n && !ended && message->state == MESSAGE_HEAD) {
		if (before + used == HTTP_MAX_HEAD) {
			message_fail(message, HTTP_HEAD_TOO_LARGE, "the request head is too large");
			return used;
		}
		ended = look_at(message, bytes[used], before + used);
		used++;
	}
	buf_add(&message->text, bytes, used);
	if (message->text.err)
		message_fail(message, HTTP_INTERNAL_ERROR, "out of memory");
	if (ended && message->state == MESSAGE_HEAD)
		head_complete(message);
	return used;
}

static size_t take_body(struct message *message, const char *bytes, size_t n)
{
	struct buf *body = &message->body;
	size_t left = message->body_len - body->len;
	size_t used = n < left ? n : left;

	if (message->chunked)
		used = chunks_take(&message->chunks, bytes, n, body);
	else
		buf_add(body, bytes, used);
	if (body->err == -E2BIG)
		message_fail(message, HTTP_PAYLOAD_TOO_LARGE, "the body is too large");
	else if (body->err)
		message_fail(message, HTTP_INTERNAL_ERROR, "out of memory");
	else if (message->chunks.state == CHUNKS_BROKEN)
		fail_syntax(message, "the chunks of the body are malformed");
	else if (message->chunked ? message->chunks.state == CHUNKS_END
				  : body->len == message->body_len)
		message->state = MESSAGE_COMPLETE;
	return used;
}

size_t message_take(struct message *message, const char *bytes, size_t n)
{
	size_t used = 0;

	if (message->state == MESSAGE_HEAD)
		used = take_head(message, bytes, n);
	if (message->state == MESSAGE_BODY && used < n)
		used += take_body(message, bytes + used, n - used);
	return used;
}
