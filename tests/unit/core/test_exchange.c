/* SPDX-License-Identifier: Apache-2.0 */

/* Requests that cannot be smuggled into, and answers read however they are spelled. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/exchange.h"

Test(outgoing_header, writes_name_and_value)
{
	struct outgoing out;

	outgoing_init(&out);
	outgoing_header(&out, "X-One", STR("1"));
	outgoing_header(&out, "X-Empty", STR(""));
	cr_expect_eq(outgoing_error(&out), 0);
	cr_assert_eq(out.header_count, 2);
	cr_expect_str_eq(buf_text(&out.headers[0]), "X-One: 1");
	cr_expect_str_eq(buf_text(&out.headers[1]), "X-Empty: ");
	outgoing_done(&out);
	cr_expect_eq(out.header_count, 0);
}

Test(outgoing_header, fails_the_request_for_a_value_that_ends_its_line)
{
	static const struct str values[] = {
		{ "a\r\nX-Evil: 1", 12 }, { "a\nb", 3 }, { "a\rb", 3 }, { "\n", 1 }, { "a\0b", 3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct outgoing out;

		outgoing_init(&out);
		outgoing_header(&out, "X-One", values[i]);
		cr_expect_eq(outgoing_error(&out), -EINVAL, "case %zu", i);
		cr_expect_eq(out.header_count, 0, "case %zu", i);
		outgoing_done(&out);
	}
}

Test(outgoing_error, reports_any_buffer_past_its_limit)
{
	static char big[OUTGOING_MAX_BODY + 1];
	const struct str huge = { .at = big, .len = sizeof(big) };
	struct outgoing out;

	memset(big, 'a', sizeof(big));
	outgoing_init(&out);
	buf_add_str(&out.url, huge);
	cr_expect_eq(outgoing_error(&out), -E2BIG);
	outgoing_done(&out);

	outgoing_init(&out);
	buf_add_str(&out.body, huge);
	cr_expect_eq(outgoing_error(&out), -E2BIG);
	outgoing_done(&out);

	outgoing_init(&out);
	outgoing_header(&out, "X-Fine", STR("1"));
	outgoing_header(&out, "X-Huge", huge);
	cr_expect_eq(outgoing_error(&out), -E2BIG);
	outgoing_done(&out);
}

Test(answer_header, finds_a_value_however_it_is_spelled)
{
	const struct answer answer = {
		.headers = STR("HTTP/1.1 429 Too Many: Requests\r\n"
			       "Retry-After-Not: 1\r\n"
			       "X-Retry-After: 2\r\n"
			       "rEtRy-aFtEr:\t 30 \r\n"
			       "Retry-After: 40\r\n"
			       "Empty:\r\n"
			       "Bare: line\n"
			       "NoColon\r\n"
			       "Last: one"),
	};
	static const struct {
		const char *name;
		const char *value;
	} cases[] = {
		{ "Retry-After", "30" }, { "Empty", "" },  { "Bare", "line" }, { "Last", "one" },
		{ "NoColon", "" },       { "Absent", "" }, { "Retry", "" },    { "30", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str value = answer_header(&answer, cases[i].name);

		cr_expect(str_is(value, cases[i].value), "%s gave \"%.*s\"", cases[i].name,
			  STR_ARGS(value));
	}
}

Test(answer_header, finds_nothing_without_headers)
{
	const struct answer answer = { .fault = ANSWER_TIMEOUT };

	cr_expect_eq(answer_header(&answer, "Retry-After").len, 0);
}

Test(answer_describe, has_a_sentence_for_every_end)
{
	static const struct {
		enum answer_fault fault;
		int status;
		const char *text;
	} cases[] = {
		{ ANSWER_OK, 404, "destination answered 404" },
		{ ANSWER_REFUSED, 0, "address not allowed" },
		{ ANSWER_UNRESOLVED, 0, "name has no address" },
		{ ANSWER_UNREACHED, 0, "connection refused, reset or not possible" },
		{ ANSWER_TLS, 0, "certificate not trusted or handshake failed" },
		{ ANSWER_TIMEOUT, 0, "timed out" },
		{ ANSWER_TOO_LARGE, 0, "answer too large" },
		{ ANSWER_CANCELLED, 0, "cancelled" },
		{ ANSWER_BROKEN, 0, "answer was not valid HTTP" },
		{ ANSWER_UNREACHED, 200,
		  "destination answered 200 and closed the connection before the answer was "
		  "complete" },
		{ ANSWER_TLS, 200,
		  "destination answered 200 and broke off in the middle of the answer" },
		{ ANSWER_BROKEN, 204,
		  "destination answered 204 and broke off in the middle of the answer" },
		{ ANSWER_TIMEOUT, 500,
		  "destination answered 500 and did not finish the answer in time" },
		{ ANSWER_TOO_LARGE, 404, "destination answered 404 with more bytes than we read" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct answer answer = { .fault = cases[i].fault, .status = cases[i].status };
		char text[ANSWER_TEXT_SIZE];

		answer_describe(&answer, text);
		cr_expect_str_eq(text, cases[i].text);
	}
}
