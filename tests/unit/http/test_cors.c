/* SPDX-License-Identifier: Apache-2.0 */

/* CORS: which pages may read answers, preflights, and requests that it does not concern. */
#include "http/cors.h"
#include "tests/unit/http/rig.h"

static struct rig rig;
static struct client client;

static void answer(struct http_request *request, void *owner)
{
	(void)owner;
	http_respond(request, 200, "text/plain", STR("seen"));
}

static void start_with(unsigned head_timeout_ms)
{
	const struct http_route routes[] = {
		{ HTTP_GET, "/v1/things/{id}", ACCESS_PUBLIC, answer, NULL },
		{ HTTP_DELETE, "/v1/things/{id}", ACCESS_TEAM, answer, NULL },
	};

	rig_open(&rig, (struct http_options){ .cors_origins =
						      "https://app.example, http://localhost:5173",
					      .head_timeout_ms = head_timeout_ms });
	cr_assert_eq(http_server_add_routes(rig.server, routes, ARRAY_LEN(routes)), 0);
	client_open(&client, &rig);
}

static void start(void)
{
	start_with(0);
}

static void end(void)
{
	client_close(&client);
	rig_close(&rig);
}

TestSuite(cors, .init = start, .fini = end);

Test(cors_list, names_whole_origins)
{
	static const struct {
		const char *origin;
		bool listed;
	} cases[] = {
		{ "https://app.example", true },
		{ "HTTPS://App.Example", true },
		{ "http://localhost:5173", true },
		{ "http://app.example", false },
		{ "https://app.example.evil", false },
		{ "https://app.exampl", false },
		{ "http://localhost", false },
		{ "https://app.example, http://localhost:5173", false },
		{ "null", false },
		{ "*", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(cors_lists("https://app.example, http://localhost:5173",
					str_of(cases[i].origin)),
			     cases[i].listed, "%s", cases[i].origin);
	cr_expect_not(cors_lists(NULL, STR("https://app.example")));
	cr_expect_not(cors_lists("", STR("")));
}

static struct reply ask(const char *request)
{
	client_send_text(&client, request);
	return client_reply(&client, &rig, strncmp(request, "OPTIONS", 7) == 0);
}

Test(cors, lets_a_listed_origin_read_with_cookies)
{
	struct reply reply = ask("GET /v1/things/1 HTTP/1.1\r\nHost: x\r\n"
				 "Origin: https://app.example\r\n\r\n");

	cr_expect_eq(reply.status, 200);
	cr_expect(
		str_is(reply_field(&reply, "Access-Control-Allow-Origin"), "https://app.example"));
	cr_expect(str_is(reply_field(&reply, "Access-Control-Allow-Credentials"), "true"));
	cr_expect(str_is(reply_field(&reply, "Vary"), "Origin"));
	reply_done(&reply);
}

Test(cors, lets_a_listed_origin_read_errors)
{
	struct reply reply = ask("GET /v1/nothing HTTP/1.1\r\nHost: x\r\n"
				 "Origin: https://app.example\r\n\r\n");

	cr_expect_eq(reply.status, 404);
	cr_expect(reply_field(&reply, "Access-Control-Allow-Origin").at);
	reply_done(&reply);
}

Test(cors, gives_other_origins_only_the_vary_field)
{
	static const char *const requests[] = {
		"GET /v1/things/1 HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n",
		"GET /v1/things/1 HTTP/1.1\r\nHost: x\r\nOrigin: null\r\n\r\n",
		"GET /v1/things/1 HTTP/1.1\r\nHost: x\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct reply reply = ask(requests[i]);

		cr_expect_eq(reply.status, 200);
		cr_expect_null(reply_field(&reply, "Access-Control-Allow-Origin").at);
		cr_expect(str_is(reply_field(&reply, "Vary"), "Origin"));
		reply_done(&reply);
	}
}

Test(cors, answers_a_preflight_without_credentials)
{
	struct reply reply = ask("OPTIONS /v1/things/1 HTTP/1.1\r\nHost: x\r\n"
				 "Origin: http://localhost:5173\r\n"
				 "Access-Control-Request-Method: DELETE\r\n"
				 "Access-Control-Request-Headers: x-csrf-token\r\n\r\n");

	cr_expect_eq(reply.status, 204);
	cr_expect(str_is(reply_field(&reply, "Access-Control-Allow-Methods"), "GET, HEAD, DELETE"));
	cr_expect(str_is(reply_field(&reply, "Access-Control-Allow-Headers"),
			 "X-API-Key, X-CSRF-Token, Last-Event-ID, Content-Type"));
	cr_expect(str_is(reply_field(&reply, "Access-Control-Allow-Origin"),
			 "http://localhost:5173"));
	cr_expect(str_is(reply_field(&reply, "Access-Control-Max-Age"), "600"));
	cr_expect_eq(rig.calls, 0);
	reply_done(&reply);
}

Test(cors, does_not_answer_preflights_of_others)
{
	struct reply reply;

	client_send_text(&client, "OPTIONS /v1/things/1 HTTP/1.1\r\nHost: x\r\n"
				  "Origin: https://evil.example\r\n"
				  "Access-Control-Request-Method: DELETE\r\n\r\n");
	reply = client_reply(&client, &rig, false);
	cr_expect_eq(reply.status, 405);
	cr_expect_null(reply_field(&reply, "Access-Control-Allow-Methods").at);
	reply_done(&reply);
}

Test(cors, covers_the_api_only)
{
	struct reply reply =
		ask("GET /hello HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\n\r\n");

	cr_expect_eq(reply.status, 200);
	cr_expect_null(reply_field(&reply, "Vary").at);
	cr_expect_null(reply_field(&reply, "Access-Control-Allow-Origin").at);
	reply_done(&reply);
}

/* A page must be able to read the error, even when its request was malformed. */
Test(cors, covers_answers_to_malformed_requests)
{
	static const struct {
		const char *end; /* end of the head, and the body */
		int status;
	} cases[] = {
		{ "Content-Length: 65537\r\n\r\n", 413 },
		{ "Transfer-Encoding: gzip\r\n\r\n", 400 },
		{ "A b: c\r\n\r\n", 400 },
		{ "", 431 },
		{ "A: b\r\n", 408 },
	};

	end();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf request;
		struct reply reply;

		start_with(cases[i].status == 408 ? 10 : 0);
		buf_init(&request, 65536);
		buf_add_text(&request, "POST /v1/things/1?a=b HTTP/1.1\r\nHost: x\r\n"
				       "Origin: https://app.example\r\n");
		for (int n = 0; cases[i].status == 431 && n < 700; n++)
			buf_add_text(&request, "A: 0123456789012345678\r\n");
		buf_add_text(&request, cases[i].end);
		client_send(&client, buf_str(&request));
		reply = client_reply(&client, &rig, false);
		cr_expect_eq(reply.status, cases[i].status);
		cr_expect(str_is(reply_field(&reply, "Access-Control-Allow-Origin"),
				 "https://app.example"),
			  "%d", cases[i].status);
		cr_expect(str_is(reply_field(&reply, "Access-Control-Allow-Credentials"), "true"));
		reply_done(&reply);
		buf_done(&request);
		end();
	}
	start();
}
