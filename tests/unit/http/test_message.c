/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Requests without a socket: which are accepted, which are refused and with which error. The result
 * must not depend on how the bytes are cut into pieces.
 */
#include <criterion/criterion.h>

#include "http/message.h"

#define NO_FAULT HTTP_ERRORS

/* Feeds `text` in pieces of `first` and then `step` bytes; returns what the request took of it. */
static size_t feed(struct http_message *message, struct str text, size_t first, size_t step)
{
	size_t used = 0;
	size_t piece = first;

	message_init(message);
	while (used < text.len && message->state < MESSAGE_COMPLETE) {
		size_t left = text.len - used;
		size_t given = piece < left ? piece : left;
		size_t taken = message_take(message, text.at + used, given);

		cr_assert_leq(taken, given);
		used += taken;
		piece = step;
		if (taken < given)
			break;
	}
	return used;
}

/* Expects the same result for every cut into two pieces, and byte by byte. */
static void expect_fault(struct str text, enum http_error fault)
{
	for (size_t first = 1; first <= text.len; first++) {
		struct http_message message;

		feed(&message, text, first, first == 1 ? 1 : text.len);
		if (fault == NO_FAULT) {
			cr_expect_eq(message.state, MESSAGE_COMPLETE, "cut at %zu (%s): %.*s",
				     first,
				     message.fault_text ? message.fault_text : "not complete",
				     STR_ARGS(text));
		} else {
			cr_expect_eq(message.state, MESSAGE_FAILED, "cut at %zu: %.*s", first,
				     STR_ARGS(text));
			cr_expect_eq(message.fault, fault, "cut at %zu, %s: %.*s", first,
				     message.fault_text, STR_ARGS(text));
		}
		message_done(&message);
	}
}

#define HOST "Host: example.org\r\n"

Test(message, accepts_what_is_well_formed)
{
	static const char *const texts[] = {
		"GET / HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
		"GET /a/b?c=d&e HTTP/1.1\r\n" HOST "Empty:\r\nX:  padded\t \r\n\r\n",
		"HEAD / HTTP/1.1\r\n" HOST "\r\n",
		"OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
		"GET http://example.org/a HTTP/1.1\r\n" HOST "\r\n",
		"GET HTTPS://example.org?a=b HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "X-Name: J\xc3\xb6rg\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST
		"transfer-encoding: Chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n",
		"DELETE / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		expect_fault(str_of(texts[i]), NO_FAULT);
}

Test(message, refuses_what_is_malformed)
{
	static const char *const texts[] = {
		"\x16\x03\x01\x02",                /* the start of TLS */
		"GET / HTTP/1.1\n" HOST "\r\n",    /* a bare line feed */
		"GET / HTTP/1.1\r\nHost: a\n\r\n", /* the same in a field */
		"GET / HTTP/1.1\rHost: a\r\n\r\n", /* a bare carriage return */
		"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", /* a folded field */
		"GET / HTTP/1.1\r\n" HOST "X:\r\n b\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "\n", /* the empty line is a bare line feed */
		"\nGET / HTTP/1.1\r\n" HOST "\r\n",
		"\rGET / HTTP/1.1\r\n" HOST "\r\n",
		" GET / HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Bad Name: x\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Late : x\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n", /* no Host */
		"GET / HTTP/1.1\r\n" HOST HOST "\r\n",
		"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
		"GET /\r\n\r\n", /* HTTP/0.9 */
		"GET / HTTP/1.2\r\n" HOST "\r\n",
		"GET / HTTP/2.0\r\n" HOST "\r\n",
		"GET / HTTP/1\r\n" HOST "\r\n",
		"GET / HTTX/1.1\r\n" HOST "\r\n",
		"PRI * HTTP/2.0\r\n\r\n",
		"WHAT / HTTP/1.1\r\n" HOST "\r\n",
		"get / HTTP/1.1\r\n" HOST "\r\n",
		"GET * HTTP/1.1\r\n" HOST "\r\n",
		"GET a HTTP/1.1\r\n" HOST "\r\n",
		"GET ?a=b HTTP/1.1\r\n" HOST "\r\n",
		"GET ftp://example.org/ HTTP/1.1\r\n" HOST "\r\n",
		"GET http:///a HTTP/1.1\r\n" HOST "\r\n",
		"CONNECT example.org:443 HTTP/1.1\r\n" HOST "\r\n",
		"GET /a#b HTTP/1.1\r\n" HOST "\r\n",
		"GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n",
		"GET /a\tb HTTP/1.1\r\n" HOST "\r\n",
		"GET /a b HTTP/1.1\r\n" HOST "\r\n",
		"GET /%00 HTTP/1.1\r\n" HOST "\r\n",
		"GET /%0a HTTP/1.1\r\n" HOST "\r\n",
		"GET /%7F HTTP/1.1\r\n" HOST "\r\n",
		"GET /%ff HTTP/1.1\r\n" HOST "\r\n",
		"GET /%c0%80 HTTP/1.1\r\n" HOST "\r\n",
		"GET /%4 HTTP/1.1\r\n" HOST "\r\n",
		"GET /% HTTP/1.1\r\n" HOST "\r\n",
		"GET /%gg HTTP/1.1\r\n" HOST "\r\n",
		"GET /%+1 HTTP/1.1\r\n" HOST "\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		expect_fault(str_of(texts[i]), HTTP_INVALID_REQUEST);
	expect_fault(STR("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"), HTTP_INVALID_REQUEST);
	expect_fault(STR("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_INVALID_REQUEST);
}

/* Two readers could understand each of these differently. */
Test(message, refuses_a_body_whose_length_is_not_plain)
{
	static const char *const fields[] = {
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
		"Content-Length: 5\r\nContent-Length: 5\r\n",
		"Content-Length: 5\r\nContent-Length: 6\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: identity\r\n",
		"Transfer-Encoding: gzip, chunked\r\n",
		"Transfer-Encoding: chunked, gzip\r\n",
		"Transfer-Encoding: xchunked\r\n",
		"Transfer-Encoding: chunked;q=1\r\n",
		"Transfer-Encoding:\r\n",
		"Transfer-Encoding : chunked\r\n",
		"Transfer-Encoding\t: chunked\r\n",
		"Content-Length:\r\n",
		"Content-Length: -1\r\n",
		"Content-Length: +5\r\n",
		"Content-Length: 0x5\r\n",
		"Content-Length: 5, 5\r\n",
		"Content-Length: 5 5\r\n",
		"Content-Length: 5a\r\n",
		"Content-Length: 18446744073709551616\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct buf text;

		buf_init(&text, 4096);
		buf_addf(&text, "POST / HTTP/1.1\r\n" HOST "%s\r\n", fields[i]);
		expect_fault(buf_str(&text), HTTP_INVALID_REQUEST);
		buf_done(&text);
	}
	expect_fault(STR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
		     HTTP_INVALID_REQUEST);
}

Test(message, refuses_malformed_chunks)
{
	static const char *const bodies[] = {
		"\r\n",
		";x\r\n",
		"x\r\n",
		"-1\r\n",
		"0x1\r\n",
		" 5\r\nhello",
		"5 \r\nhello",
		"5\nhello",
		"5\rxhello",
		"5\r\nhelloXX0\r\n\r\n", /* a lenient reader takes XX for the line end */
		"5\r\nhelloX\n0\r\n\r\n",
		"5\r\nhello\rX0\r\n\r\n",
		"5\r\nhello\n\r0\r\n\r\n",
		"5\r\nhello!\r\n0\r\n\r\n",
		"5;a\nb\r\nhello",
		"fffffffff\r\n",
		"100000000\r\n",
		"ffffffffffffffff5\r\n",
		"0\r\n\n",
		"0\r\n\rx",
		"0\r\nX: a\nb\r\n\r\n",
		"0\r\nX: a\rb\r\n\r\n",
		"0\r\nX: a\r\n\n",
		"5;a=\"\x7f\"\r\nhello",
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct buf text;

		buf_init(&text, 4096);
		buf_addf(&text, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%s",
			 bodies[i]);
		expect_fault(buf_str(&text), HTTP_INVALID_REQUEST);
		buf_done(&text);
	}
}

/* A request with `fields` fields besides Host, or with a long field that makes it `bytes` long. */
static void write_head(struct buf *out, int fields, size_t bytes)
{
	buf_init(out, 1 << 20);
	buf_add_text(out, "GET / HTTP/1.1\r\n" HOST);
	for (int i = 0; i < fields; i++)
		buf_addf(out, "F%d: x\r\n", i);
	if (bytes) {
		buf_add_text(out, "Long: ");
		while (out->len < bytes - 4)
			buf_add_char(out, 'x');
		buf_add_text(out, "\r\n");
	}
	buf_add_text(out, "\r\n");
}

static void expect_whole(struct str text, enum http_error fault)
{
	struct http_message message;

	feed(&message, text, text.len, text.len);
	if (fault == NO_FAULT)
		cr_expect_eq(message.state, MESSAGE_COMPLETE, "%s", message.fault_text);
	else
		cr_expect(message.state == MESSAGE_FAILED && message.fault == fault, "%s",
			  message.fault_text ? message.fault_text : "no fault");
	message_done(&message);
	feed(&message, text, 1, 1);
	cr_expect_eq(message.state, fault == NO_FAULT ? MESSAGE_COMPLETE : MESSAGE_FAILED);
	message_done(&message);
}

Test(message, bounds_the_head_in_fields_and_bytes)
{
	static const struct {
		int fields;
		size_t bytes;
		enum http_error fault;
	} cases[] = {
		{ HTTP_MAX_HEADERS - 1, 0, NO_FAULT },
		{ HTTP_MAX_HEADERS, 0, HTTP_HEAD_TOO_LARGE },
		{ 1000, 0, HTTP_HEAD_TOO_LARGE },
		{ 0, HTTP_MAX_HEAD, NO_FAULT },
		{ 0, HTTP_MAX_HEAD + 1, HTTP_HEAD_TOO_LARGE },
		{ 0, 500000, HTTP_HEAD_TOO_LARGE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text;

		write_head(&text, cases[i].fields, cases[i].bytes);
		if (cases[i].bytes)
			cr_assert_eq(text.len, cases[i].bytes);
		expect_whole(buf_str(&text), cases[i].fault);
		buf_done(&text);
	}
}

Test(message, bounds_empty_lines_before_the_request)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	for (int i = 0; i < HTTP_MAX_HEAD; i++)
		buf_add_text(&text, "\r\n");
	expect_whole(buf_str(&text), HTTP_HEAD_TOO_LARGE);
	buf_done(&text);
}

/* A request with a body of `len` bytes; `chunk` 0: by Content-Length, else in chunks. */
static void write_body(struct buf *out, size_t len, size_t chunk)
{
	static char bytes[HTTP_MAX_BODY + 2];

	memset(bytes, 'b', sizeof(bytes));
	buf_init(out, 1 << 20);
	buf_add_text(out, "POST / HTTP/1.1\r\n" HOST);
	if (chunk == 0) {
		buf_addf(out, "Content-Length: %zu\r\n\r\n", len);
		buf_add(out, bytes, len);
		return;
	}
	buf_add_text(out, "Transfer-Encoding: chunked\r\n\r\n");
	for (size_t done = 0; done < len; done += chunk) {
		size_t n = len - done < chunk ? len - done : chunk;

		buf_addf(out, "%zx\r\n", n);
		buf_add(out, bytes, n);
		buf_add_text(out, "\r\n");
	}
	buf_add_text(out, "0\r\n\r\n");
}

Test(message, bounds_the_body_however_it_is_framed)
{
	static const struct {
		size_t len;
		size_t chunk;
		enum http_error fault;
	} cases[] = {
		{ HTTP_MAX_BODY, 0, NO_FAULT },
		{ HTTP_MAX_BODY + 1, 0, HTTP_PAYLOAD_TOO_LARGE },
		{ HTTP_MAX_BODY, HTTP_MAX_BODY, NO_FAULT },
		{ HTTP_MAX_BODY, 1, NO_FAULT },
		{ HTTP_MAX_BODY + 1, 1, HTTP_PAYLOAD_TOO_LARGE },
		{ HTTP_MAX_BODY + 1, 4096, HTTP_PAYLOAD_TOO_LARGE },
		{ HTTP_MAX_BODY + 1, HTTP_MAX_BODY + 1, HTTP_PAYLOAD_TOO_LARGE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text;

		write_body(&text, cases[i].len, cases[i].chunk);
		expect_whole(buf_str(&text), cases[i].fault);
		buf_done(&text);
	}
	expect_whole(STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999\r\n\r\n"),
		     HTTP_PAYLOAD_TOO_LARGE);
}

Test(message, bounds_framing_that_never_becomes_content)
{
	static const char *const starts[] = { "1;", "0\r\nX: " };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		struct buf text;

		buf_init(&text, 1 << 20);
		buf_addf(&text, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%s",
			 starts[i]);
		while (text.len < 600 * 1024)
			buf_add_text(&text, "xxxxxxxxxxxxxxxx");
		expect_whole(buf_str(&text), HTTP_INVALID_REQUEST);
		buf_done(&text);
	}
}

Test(message, keeps_what_it_has_read)
{
	const struct str text = STR(
		"POST /v1/%61b/x%2Fy%25?q=%41+b HTTP/1.1\r\n" HOST "X-One:  first \r\nx-one: second"
		"\r\nConnection: keep-alive, Upgrade\r\nEmpty:\r\nTransfer-Encoding: chunked\r\n"
		"\r\n5\r\nhello\r\n7\r\n, world\r\n0\r\nX-Late: x\r\n\r\n");

	for (size_t first = 1; first <= text.len; first++) {
		struct http_message m;

		cr_assert_eq(feed(&m, text, first, text.len), text.len);
		cr_assert_eq(m.state, MESSAGE_COMPLETE);
		cr_expect_eq(m.method, HTTP_POST);
		cr_expect(str_is(m.path, "/v1/ab/x%2Fy%"), "%.*s", STR_ARGS(m.path));
		cr_expect(str_is(m.query, "q=%41+b"));
		cr_expect(str_is(message_field(&m, "X-ONE"), "first"));
		cr_expect(str_is(message_field(&m, "connection"), "keep-alive, Upgrade"));
		cr_expect(str_is(message_field(&m, "empty"), ""));
		cr_expect_not_null(message_field(&m, "empty").at);
		cr_expect_null(message_field(&m, "absent").at);
		cr_expect_null(message_field(&m, "x-late").at, "a trailer is no header");
		cr_expect(str_eq(buf_str(&m.body), STR("hello, world")));
		message_done(&m);
	}
}

Test(message, knows_when_a_connection_goes_on)
{
	static const struct {
		const char *text;
		bool keep_alive;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n" HOST "\r\n", true },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_message m;

		feed(&m, str_of(cases[i].text), 1000, 1000);
		cr_assert_eq(m.state, MESSAGE_COMPLETE);
		cr_expect_eq(m.parser.head.keep_alive, cases[i].keep_alive, "%s", cases[i].text);
		message_done(&m);
	}
}

Test(message, takes_nothing_of_the_next_request)
{
	static const char *const firsts[] = {
		"GET / HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.1\r\n" HOST "Upgrade: x\r\nConnection: upgrade\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(firsts); i++) {
		struct buf text;
		struct http_message m;

		buf_init(&text, 4096);
		buf_addf(&text, "%sGET /next HTTP/1.1\r\n\r\n", firsts[i]);
		cr_expect_eq(feed(&m, buf_str(&text), text.len, text.len), strlen(firsts[i]), "%s",
			     firsts[i]);
		cr_expect_eq(m.state, MESSAGE_COMPLETE);
		message_done(&m);
		buf_done(&text);
	}
}
