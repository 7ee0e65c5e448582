/* SPDX-License-Identifier: Apache-2.0 */

/* Requests and answers over real sockets: keep-alive, pipelines, late answers. */
#include <errno.h>
#include <sys/socket.h>

#include "core/json.h"
#include "core/metrics.h"
#include "tests/unit/http/rig.h"

#define HOST      "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static struct rig rig;

Test(exchange, answers_with_the_fields_every_answer_has)
{
	struct client client;
	struct reply reply;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/hello"));
	reply = client_reply(&client, &rig, false);
	cr_expect_eq(reply.status, 200);
	cr_expect(str_is(reply.body, "hello"));
	cr_expect(str_is(reply_field(&reply, "Content-Type"), "text/plain"));
	cr_expect(str_is(reply_field(&reply, "Content-Length"), "5"));
	cr_expect(str_is(reply_field(&reply, "X-Content-Type-Options"), "nosniff"));
	cr_expect(str_starts(reply_field(&reply, "X-Request-ID"), STR("req_")));
	cr_expect_eq(reply_field(&reply, "X-Request-ID").len, 20);
	cr_expect_eq(reply_field(&reply, "Date").len, 29);
	cr_expect_null(reply_field(&reply, "Cache-Control").at);
	cr_expect_null(reply_field(&reply, "Connection").at);
	reply_done(&reply);
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, ends_json_with_a_newline_and_keeps_it_out_of_caches)
{
	struct client client;
	struct reply reply;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/things/ch-%31"));
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "{\"id\":\"ch-1\"}\n"), "%.*s", STR_ARGS(reply.body));
	cr_expect(str_is(reply_field(&reply, "Content-Type"), "application/json"));
	cr_expect(str_is(reply_field(&reply, "Cache-Control"), "no-store"));
	reply_done(&reply);
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, serves_many_requests_on_one_connection)
{
	struct client client;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	for (int i = 0; i < 50; i++) {
		client_expect(&client, &rig, GET("/hello"), 200, "hello");
		client_expect(&client, &rig, GET("/nothing"), 404, NULL);
		client_expect(&client, &rig,
			      "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 200,
			      "abc");
	}
	cr_expect_eq(rig.calls, 100);
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, says_what_is_wrong_in_the_envelope)
{
	struct client client;
	struct reply reply;
	cJSON *json = NULL;
	const cJSON *error;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/nothing"));
	reply = client_reply(&client, &rig, false);
	cr_assert_eq(json_parse(reply.body, 4096, &json, NULL), 0);
	cr_expect_eq(reply.body.at[reply.body.len - 1], '\n');
	error = json_get(json, "error");
	cr_expect_str_eq(json_get_string(error, "code"), "not_found");
	cr_expect(
		str_is(reply_field(&reply, "X-Request-ID"), json_get_string(error, "request_id")));
	cr_expect(cJSON_IsFalse(json_get(error, "retryable")));
	cr_expect_null(json_get(error, "details"));
	cJSON_Delete(json);
	reply_done(&reply);
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, names_the_allowed_methods_with_405)
{
	static const char *const requests[][2] = {
		{ "DELETE /hello HTTP/1.1\r\n" HOST "\r\n", "GET, HEAD" },
		{ "GET /echo HTTP/1.1\r\n" HOST "\r\n", "POST, PUT" },
		{ "HEAD /echo HTTP/1.1\r\n" HOST "\r\n", "POST, PUT" },
		{ "OPTIONS /hello HTTP/1.1\r\n" HOST "\r\n", "GET, HEAD" },
		{ "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "GET, HEAD, POST, PUT" },
		{ "TRACE /hello HTTP/1.1\r\n" HOST "\r\n", "GET, HEAD" },
	};
	struct client client;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct reply reply;

		client_send_text(&client, requests[i][0]);
		reply = client_reply(&client, &rig, i == 2);
		cr_expect_eq(reply.status, 405, "%s", requests[i][0]);
		cr_expect(str_is(reply_field(&reply, "Allow"), requests[i][1]), "%s",
			  requests[i][0]);
		reply_done(&reply);
	}
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, answers_head_like_get_without_the_body)
{
	struct client client;
	struct reply reply;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, "HEAD /hello HTTP/1.1\r\n" HOST "\r\n" GET("/things/x"));
	reply = client_reply(&client, &rig, true);
	cr_expect_eq(reply.status, 200);
	cr_expect(str_is(reply_field(&reply, "Content-Length"), "5"));
	reply_done(&reply);
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "{\"id\":\"x\"}\n"), "what follows is the next answer");
	reply_done(&reply);
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, answers_a_pipeline_in_order)
{
	struct client client;
	struct buf text;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	buf_init(&text, 1 << 20);
	/* More than one read buffer, so requests are cut at its end. */
	for (int i = 0; i < 1000; i++)
		buf_addf(&text, "GET /things/%d HTTP/1.1\r\n" HOST "\r\n", i);
	client_send(&client, buf_str(&text));
	for (int i = 0; i < 1000; i++) {
		struct reply reply = client_reply(&client, &rig, false);
		char wanted[32];

		snprintf(wanted, sizeof(wanted), "{\"id\":\"%d\"}\n", i);
		cr_assert(str_is(reply.body, wanted), "%.*s", STR_ARGS(reply.body));
		reply_done(&reply);
	}
	buf_done(&text);
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, lets_a_pipeline_wait_for_a_late_answer)
{
	struct client client;
	struct reply reply;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/later") GET("/hello"));
	RIG_UNTIL(&rig, rig.pending_count == 1);
	client_send_text(&client, GET("/things/z"));
	for (int i = 0; i < 10; i++)
		rig_turn(&rig);
	cr_expect_eq(rig.calls, 1, "the next request has to wait");
	http_respond(rig.pending[0], 200, "text/plain", STR("late"));
	cr_expect_eq(rig.calls, 1, "and is not served from within the answer");
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "late"));
	reply_done(&reply);
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "hello"));
	reply_done(&reply);
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "{\"id\":\"z\"}\n"));
	reply_done(&reply);
	cr_expect_eq(rig.aborts, 0);
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, closes_when_the_client_asks_or_cannot_keep_alive)
{
	static const char *const requests[] = {
		"GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
		"GET /hello HTTP/1.0\r\n\r\n",
		"GET /nothing HTTP/1.0\r\n\r\n",
	};

	rig_open(&rig, (struct http_options){ 0 });
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct client client;
		struct reply reply;

		client_open(&client, &rig);
		client_send_text(&client, requests[i]);
		client_send_text(&client, GET("/hello"));
		reply = client_reply(&client, &rig, false);
		cr_expect(str_is(reply_field(&reply, "Connection"), "close"));
		reply_done(&reply);
		RIG_UNTIL(&rig, client_has_ended(&client));
		cr_expect_eq(client.in.len, 0, "no second answer");
		client_close(&client);
	}
	rig_close(&rig);
}

Test(exchange, keeps_an_old_client_alive_that_asks_for_it)
{
	struct client client;
	struct reply reply;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	for (int i = 0; i < 2; i++) {
		client_send_text(&client, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
		reply = client_reply(&client, &rig, false);
		cr_expect(str_is(reply_field(&reply, "Connection"), "keep-alive"));
		reply_done(&reply);
	}
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, sends_100_to_a_client_that_waits_for_it)
{
	struct client client;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n"
				  "Expect: 100-continue\r\n\r\n");
	RIG_UNTIL(&rig, client_has(&client, "\r\n\r\n"));
	cr_expect(str_is(buf_str(&client.in), "HTTP/1.1 100 Continue\r\n\r\n"));
	buf_reset(&client.in);
	client_expect(&client, &rig, "body", 200, "body");
	/* No 100 when the body has begun already, or is too large. */
	client_expect(&client, &rig,
		      "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n"
		      "Expect: 100-continue\r\n\r\nbody",
		      200, "body");
	client_send_text(&client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n"
				  "Expect: 100-continue\r\n\r\nbo");
	for (int i = 0; i < 10; i++)
		rig_turn(&rig);
	client_expect(&client, &rig, "dy", 200, "body");
	client_expect(&client, &rig,
		      "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999\r\n"
		      "Expect: 100-continue\r\n\r\n",
		      413, NULL);
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, authenticates_at_once_or_later_or_not_at_all)
{
	struct client client;
	struct reply reply;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	rig.auth = AUTH_REFUSES;
	client_expect(&client, &rig, GET("/private"), 401, NULL);
	cr_expect_eq(rig.calls, 0);

	rig.auth = AUTH_ALLOWS;
	client_send_text(&client, GET("/private"));
	RIG_UNTIL(&rig, rig.pending_count == 1);
	cr_expect(http_request_identity(rig.pending[0])->has_team);
	http_respond(rig.pending[0], 204, NULL, STR(""));
	reply = client_reply(&client, &rig, true);
	cr_expect_eq(reply.status, 204);
	cr_expect_null(reply_field(&reply, "Content-Length").at);
	cr_expect_null(reply_field(&reply, "Content-Type").at);
	reply_done(&reply);

	rig.auth = AUTH_WAITS;
	client_send_text(&client, GET("/private"));
	RIG_UNTIL(&rig, rig.unauthenticated);
	cr_expect_eq(rig.calls, 1);
	http_request_authenticated(rig.unauthenticated);
	cr_expect_eq(rig.calls, 2);
	http_respond(rig.pending[1], 200, "text/plain", STR("in"));
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "in"));
	reply_done(&reply);
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, sends_a_large_answer_to_a_slow_reader)
{
	struct client client;
	struct reply reply;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/big") GET("/hello"));
	RIG_UNTIL(&rig, rig.calls == 1);
	for (int i = 0; i < 20; i++)
		rig_turn(&rig);
	cr_expect_eq(rig.calls, 1, "the next request waits for the answer to leave");
	reply = client_reply(&client, &rig, false);
	cr_expect_eq(reply.body.len, RIG_BIG_BODY);
	cr_expect(str_eq(reply.body, buf_str(&rig.big)));
	reply_done(&reply);
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "hello"));
	reply_done(&reply);
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, closes_after_a_malformed_request)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{ "nonsense\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 70000\r\n\r\n", 413 },
		{ "POST /echo HTTP/1.1\r\n" HOST
		  "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		  400 },
	};

	rig_open(&rig, (struct http_options){ 0 });
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct client client;
		struct reply reply;

		client_open(&client, &rig);
		client_send_text(&client, cases[i].text);
		client_send_text(&client, GET("/hello"));
		reply = client_reply(&client, &rig, false);
		cr_expect_eq(reply.status, cases[i].status, "%s", cases[i].text);
		cr_expect(str_is(reply_field(&reply, "Connection"), "close"));
		cr_expect(str_starts(reply_field(&reply, "X-Request-ID"), STR("req_")));
		reply_done(&reply);
		RIG_UNTIL(&rig, client_has_ended(&client));
		cr_expect_eq(client.in.len, 0);
		client_close(&client);
	}
	cr_expect_eq(rig.calls, 0);
	rig_close(&rig);
}

/* Closing with unread bytes would reset the connection and destroy the answer. */
Test(exchange, lets_a_client_finish_sending_before_it_reads_the_refusal)
{
	static char body[512 * 1024];
	struct client client;
	struct reply reply;
	size_t sent = 0;

	memset(body, 'x', sizeof(body));
	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 524288\r\n\r\n");
	while (sent < sizeof(body)) {
		ssize_t n = send(client.fd, body + sent, sizeof(body) - sent, MSG_NOSIGNAL);

		cr_assert(n > 0 || errno == EAGAIN, "%s", strerror(errno));
		sent += n > 0 ? (size_t)n : 0;
		rig_turn(&rig);
	}
	reply = client_reply(&client, &rig, false);
	cr_expect_eq(reply.status, 413);
	reply_done(&reply);
	RIG_UNTIL(&rig, client_has_ended(&client));
	cr_expect_not(client.reset);
	client_close(&client);
	rig_close(&rig);
}

Test(exchange, counts_answers_connections_and_faults)
{
	struct client client;
	struct metric *ok = metric_counter("wrenn_events_http_requests_total", "class=\"2xx\"", "");
	struct metric *bad =
		metric_counter("wrenn_events_http_requests_total", "class=\"4xx\"", "");
	struct metric *open = metric_gauge("wrenn_events_http_connections", NULL, "");
	struct metric *in = metric_counter("wrenn_events_http_received_bytes_total", NULL, "");
	struct metric *out = metric_counter("wrenn_events_http_sent_bytes_total", NULL, "");
	struct metric *malformed = metric_counter("wrenn_events_http_malformed_total", NULL, "");

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_expect(&client, &rig, GET("/hello"), 200, NULL);
	cr_expect_eq(metric_value(ok), 1);
	cr_expect_eq(metric_value(open), 1);
	cr_expect_eq(metric_value(in), (int64_t)strlen(GET("/hello")));
	cr_expect_gt(metric_value(out), 5);
	client_expect(&client, &rig, "nonsense\r\n\r\n", 400, NULL);
	cr_expect_eq(metric_value(bad), 1);
	cr_expect_eq(metric_value(malformed), 1);
	client_close(&client);
	RIG_UNTIL(&rig, metric_value(open) == 0);
	rig_close(&rig);
}
