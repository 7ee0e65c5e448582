/* SPDX-License-Identifier: Apache-2.0 */

/* What handlers read of a request and how they answer: errors, fields, cookies. */
#include <errno.h>

#include "core/json.h"
#include "tests/unit/http/rig.h"

#define HOST      "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static struct rig rig;
static struct client client;

static struct http_request *ask(const char *text)
{
	rig.pending_count = 0;
	client_send_text(&client, text);
	RIG_UNTIL(&rig, rig.pending_count == 1);
	return rig.pending[0];
}

static void start(void)
{
	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
}

static void end(void)
{
	client_close(&client);
	rig_close(&rig);
}

/* Takes one answer and reads its envelope; the caller frees the tree. */
static const cJSON *read_error(struct reply *reply, cJSON **tree)
{
	*reply = client_reply(&client, &rig, false);
	cr_assert_eq(json_parse(reply->body, 65536, tree, NULL), 0, "%.*s", STR_ARGS(reply->body));
	cr_assert(cJSON_IsObject(json_get(*tree, "error")));
	return json_get(*tree, "error");
}

Test(answer, gives_every_error_its_status_and_code)
{
	static const struct {
		enum http_error error;
		int status;
		const char *code;
		bool retryable;
		const char *retry_after;
	} cases[] = {
		{ HTTP_INVALID_REQUEST, 400, "invalid_request", false, NULL },
		{ HTTP_UNAUTHORIZED, 401, "unauthorized", false, NULL },
		{ HTTP_FORBIDDEN, 403, "forbidden", false, NULL },
		{ HTTP_NOT_FOUND, 404, "not_found", false, NULL },
		{ HTTP_METHOD_NOT_ALLOWED, 405, "invalid_request", false, NULL },
		{ HTTP_REQUEST_TIMEOUT, 408, "timeout", true, NULL },
		{ HTTP_CONFLICT, 409, "conflict", false, NULL },
		{ HTTP_INVALID_STATE, 409, "invalid_state", false, NULL },
		{ HTTP_PAYLOAD_TOO_LARGE, 413, "payload_too_large", false, NULL },
		{ HTTP_UNSUPPORTED_TYPE, 415, "invalid_request", false, NULL },
		{ HTTP_HEAD_TOO_LARGE, 431, "payload_too_large", false, NULL },
		{ HTTP_RATE_LIMITED, 429, "rate_limited", true, "10" },
		{ HTTP_INTERNAL_ERROR, 500, "internal_error", false, NULL },
		{ HTTP_DELIVERY_FAILED, 502, "delivery_failed", false, NULL },
		{ HTTP_SERVICE_UNAVAILABLE, 503, "service_unavailable", true, "5" },
	};

	cr_assert_eq(ARRAY_LEN(cases), HTTP_ERRORS);
	start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reply reply;
		cJSON *tree;
		const cJSON *error;
		struct str retry_after;

		http_respond_error(ask(GET("/later")), cases[i].error, NULL);
		error = read_error(&reply, &tree);
		retry_after = reply_field(&reply, "Retry-After");
		cr_expect_eq(reply.status, cases[i].status);
		cr_expect_str_eq(json_get_string(error, "code"), cases[i].code);
		cr_expect_eq(cJSON_IsTrue(json_get(error, "retryable")), cases[i].retryable);
		cr_expect_neq(json_get_string(error, "message")[0], '\0');
		cr_expect(cases[i].retry_after ? str_is(retry_after, cases[i].retry_after)
					       : !retry_after.at);
		cJSON_Delete(tree);
		reply_done(&reply);
	}
	end();
}

Test(answer, carries_field_and_message_whatever_they_hold)
{
	static const struct {
		const char *field;
		const char *message;
		const char *seen;
	} cases[] = {
		{ "name", "name must not be empty", "name must not be empty" },
		{ NULL, "no field here", "no field here" },
		{ "a\"b", "quotes \" and \\ and </script>", "quotes \" and \\ and </script>" },
		{ "x", "bad \xff bytes", NULL },
		{ "x", "", "the request is malformed" },
		{ "x", NULL, "the request is malformed" },
	};

	start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reply reply;
		cJSON *tree;
		const cJSON *error;
		const char *field;

		http_respond_fault(ask(GET("/later")), HTTP_INVALID_REQUEST, cases[i].field,
				   cases[i].message);
		error = read_error(&reply, &tree);
		field = json_get_string(json_get(error, "details"), "field");
		cr_expect_eq(field != NULL, cases[i].field != NULL);
		if (field && cases[i].field)
			cr_expect_str_eq(field, cases[i].field);
		if (cases[i].seen)
			cr_expect_str_eq(json_get_string(error, "message"), cases[i].seen);
		cJSON_Delete(tree);
		reply_done(&reply);
	}
	end();
}

Test(answer, tells_a_store_that_is_away_from_one_that_fails)
{
	static const int away[] = {
		-ENOTCONN, -EBUSY, -ENOBUFS, -ECANCELED, -ENOSPC, -ENOMEM, -EIO
	};
	static const int failing[] = { -EBADMSG, -EEXIST, -EINVAL };

	start();
	for (size_t i = 0; i < ARRAY_LEN(away); i++) {
		http_respond_store_error(ask(GET("/later")), away[i]);
		client_expect(&client, &rig, "", 503, NULL);
	}
	for (size_t i = 0; i < ARRAY_LEN(failing); i++) {
		http_respond_store_error(ask(GET("/later")), failing[i]);
		client_expect(&client, &rig, "", 500, NULL);
	}
	end();
}

Test(answer, carries_the_fields_a_handler_adds)
{
	struct http_request *request;
	struct reply reply;

	start();
	request = ask(GET("/later"));
	http_respond_header(request, "X-Wrenn-Cursor", STR("1-2"));
	http_respond_header(request, "Set-Cookie", STR("a=; Max-Age=0"));
	http_respond_header(request, "Set-Cookie", STR("b=; Max-Age=0"));
	http_respond_header(request, "cache-control", STR("max-age=60"));
	http_respond(request, 200, "application/json", STR("{}\n"));
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply_field(&reply, "X-Wrenn-Cursor"), "1-2"));
	cr_expect_not_null(
		memmem(reply.head.at, reply.head.len, "Set-Cookie: a=; Max-Age=0\r\n", 27));
	cr_expect_not_null(
		memmem(reply.head.at, reply.head.len, "Set-Cookie: b=; Max-Age=0\r\n", 27));
	cr_expect(str_is(reply_field(&reply, "Cache-Control"), "max-age=60"));
	reply_done(&reply);

	request = ask(GET("/later"));
	http_respond_header(request, "Retry-After", STR("60"));
	http_respond_error(request, HTTP_RATE_LIMITED, NULL);
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply_field(&reply, "Retry-After"), "60"));
	cr_expect_null(memmem(reply.head.at, reply.head.len, "Retry-After: 10", 15));
	reply_done(&reply);
	end();
}

Test(answer, becomes_a_500_when_a_value_would_forge_fields)
{
	static const struct str values[] = {
		{ "a\r\nX-Evil: 1", 12 },
		{ "a\nb", 3 },
		{ "a\rb", 3 },
		{ "a\0b", 3 },
		{ "\x7f", 1 },
	};

	start();
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct http_request *request = ask(GET("/later"));
		struct reply reply;

		http_respond_header(request, "X-Good", STR("yes"));
		http_respond_header(request, "X-Bad", values[i]);
		if (i % 2)
			http_respond_error(request, HTTP_NOT_FOUND, NULL);
		else
			http_respond(request, 200, "text/plain", STR("hi"));
		reply = client_reply(&client, &rig, false);
		cr_expect_eq(reply.status, 500);
		cr_expect_null(reply_field(&reply, "X-Evil").at);
		reply_done(&reply);
	}
	end();
}

Test(answer, becomes_a_500_when_there_are_too_many_fields)
{
	struct http_request *request;

	start();
	request = ask(GET("/later"));
	for (int i = 0; i < 1000; i++)
		http_respond_header(request, "X-Many", STR("0123456789"));
	http_respond(request, 200, "text/plain", STR("hi"));
	client_expect(&client, &rig, "", 500, NULL);
	end();
}

Test(answer, becomes_a_500_when_its_json_has_failed)
{
	struct buf json;

	start();
	buf_init(&json, 4);
	buf_add_text(&json, "{\"a\":1}");
	http_respond_json(ask(GET("/later")), 200, &json);
	client_expect(&client, &rig, "", 500, NULL);
	buf_done(&json);
	end();
}

Test(request, finds_fields_and_cookies)
{
	struct http_request *request;

	start();
	request = ask("GET /later?a=1&b=2 HTTP/1.1\r\n" HOST "X-API-Key:  wrn_x \r\n"
		      "Cookie: a=1; wrenn_sid=abc ;b=; bare; a=2\r\n"
		      "cookie: late=9; wrenn_sid=second; lone; lone=5\r\n\r\n");
	cr_expect(str_is(http_request_path(request), "/later"));
	cr_expect(str_is(http_request_query(request), "a=1&b=2"));
	cr_expect(str_is(http_request_header(request, "x-api-key"), "wrn_x"));
	cr_expect_null(http_request_header(request, "x-api").at);
	cr_expect(str_is(http_request_cookie(request, "wrenn_sid"), "abc"), "the first counts");
	cr_expect(str_is(http_request_cookie(request, "a"), "1"));
	cr_expect(str_is(http_request_cookie(request, "late"), "9"));
	cr_expect(str_is(http_request_cookie(request, "lone"), "5"));
	cr_expect_eq(http_request_cookie(request, "b").len, 0);
	cr_expect_null(http_request_cookie(request, "bare").at);
	cr_expect_null(http_request_cookie(request, "A").at);
	cr_expect_eq(http_request_body(request).len, 0);
	cr_expect_eq(strlen(http_request_id(request)), 20);
	http_respond(request, 200, "text/plain", STR(""));
	client_expect(&client, &rig, "", 200, "");
	end();
}

Test(request, knows_a_json_body_by_its_type)
{
	static const struct {
		const char *field;
		bool is_json;
	} cases[] = {
		{ "Content-Type: application/json\r\n", true },
		{ "Content-Type: Application/JSON; charset=utf-8\r\n", true },
		{ "Content-Type: application/json ;x\r\n", true },
		{ "Content-Type: application/jsonp\r\n", false },
		{ "Content-Type: text/plain\r\n", false },
		{ "Content-Type:\r\n", false },
		{ "", false },
	};

	start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];
		struct http_request *request;

		snprintf(text, sizeof(text), "GET /later HTTP/1.1\r\n" HOST "%s\r\n",
			 cases[i].field);
		request = ask(text);
		cr_expect_eq(http_request_is_json(request), cases[i].is_json, "%s", cases[i].field);
		http_respond(request, 200, "text/plain", STR(""));
		client_expect(&client, &rig, "", 200, "");
	}
	end();
}
