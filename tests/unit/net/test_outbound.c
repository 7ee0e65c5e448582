/* SPDX-License-Identifier: Apache-2.0 */

/* net/outbound.h against a receiver on loopback: every way an exchange can end. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "outbound_rig.h"
#include "tests/support/patience.h"

/* "/status/404" under "/status/" is 404. */
static bool number_under(const char *target, const char *path, unsigned long long *out)
{
	struct str rest = str_of(target);

	return str_starts(rest, str_of(path)) && str_to_u64(str_from(rest, strlen(path)), out);
}

static enum receiver_reply answer_by_path(const struct received *request, struct buf *out,
					  void *arg)
{
	unsigned long long number = 0;

	(void)arg;
	if (number_under(request->target, "/status/", &number)) {
		receiver_answer(out, (int)number, "Location: /elsewhere\r\nRetry-After: 7\r\n",
				STR("text"));
	} else if (number_under(request->target, "/big/", &number)) {
		char *body = calloc(1, number + 1);

		memset(body, 'x', number);
		receiver_answer(out, 200, "", (struct str){ body, number });
		free(body);
	} else if (strcmp(request->target, "/hold") == 0) {
		return RECEIVER_HOLD;
	} else if (strcmp(request->target, "/interim") == 0) {
		buf_add_text(out, "HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\n\r\n");
		receiver_answer(out, 200, "Content-Type: text/plain\r\n", STR("late"));
	} else if (strcmp(request->target, "/garbage") == 0) {
		buf_add_text(out, "220 mail.example.com ESMTP\r\n\r\n");
	} else if (strcmp(request->target, "/short") == 0) {
		buf_add_text(out, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n"
				  "\r\nonly this");
		return RECEIVER_CLOSE;
	} else if (strcmp(request->target, "/endless-line") == 0) {
		buf_add_text(out, "HTTP/1.1 200 OK\r\nX: ");
		for (int i = 0; i < 40000; i++)
			buf_add_text(out, "yyyyyyyy");
	} else if (strcmp(request->target, "/endless-status") == 0) {
		buf_add_text(out, "HTTP/1.1 ");
		for (int i = 0; i < 40000; i++)
			buf_add_text(out, "yyyyyyyy");
	} else if (strcmp(request->target, "/begun") == 0) {
		buf_add_text(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot");
		return RECEIVER_CLOSE;
	} else if (strcmp(request->target, "/switch") == 0) {
		buf_add_text(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
	} else if (strcmp(request->target, "/processing") == 0) {
		buf_add_text(out, "HTTP/1.1 102 Processing\r\n\r\n");
	} else if (strcmp(request->target, "/trailer") == 0) {
		buf_add_text(out, "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\nTrailer: "
				  "Retry-After\r\n\r\n2\r\nno\r\n0\r\nRetry-After: 3600\r\n"
				  "X-RateLimit-Global: true\r\n\r\n");
	} else if (strcmp(request->target, "/heads") == 0) {
		buf_add_text(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: 9\r\n");
		for (int i = 0; i < 1000; i++)
			buf_addf(out, "X-Fill-%d: %.*s\r\n", i, 60,
				 "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
				 "y");
		buf_add_text(out, "\r\nok");
	} else if (strcmp(request->target, "/nothing") != 0) {
		receiver_answer(out, 200, "", STR("ok"));
	}
	return RECEIVER_ANSWER;
}

Test(outbound, sends_method_headers_and_body_as_built)
{
	const struct received *got;
	struct result result;
	char url[128];

	open_bench(answer_by_path, NULL);
	exchange("/a/../b?c=%20d", &result);
	cr_assert_eq(result.fault, ANSWER_OK);
	cr_assert_eq(result.status, 200);
	cr_assert_str_eq(result.body, "ok");
	cr_assert_gt(result.duration_us, 0);
	got = receiver_get(bench.receiver, 0);
	cr_assert_str_eq(got->method, "POST");
	cr_assert_str_eq(got->target, "/a/../b?c=%20d", "path and query must be kept as they are");
	cr_assert_str_eq(got->body, "{\"a\":1}");
	cr_assert(str_is(received_header(got, "X-Sample"), "yes"));
	cr_assert(str_is(received_header(got, "User-Agent"), "wrenn-events/test"));
	cr_assert(str_is(received_header(got, "Content-Type"), "application/json"));
	cr_assert_eq(received_header(got, "Expect").len, 0);

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/put", receiver_port(bench.receiver));
	send_to(url, "PUT", PATIENCE_MS, &result);
	wait_for_result(&result);
	cr_assert_str_eq(receiver_get(bench.receiver, 1)->method, "PUT");
	cr_assert_str_eq(receiver_get(bench.receiver, 1)->body, "{\"a\":1}");
	send_to(url, "GET", PATIENCE_MS, &result);
	wait_for_result(&result);
	cr_assert_str_eq(receiver_get(bench.receiver, 2)->method, "GET");
	cr_assert_eq(receiver_get(bench.receiver, 2)->body_len, 0);

	/* Nothing of the requests before is left in libcurl's handle. */
	exchange("/last", &result);
	cr_assert_str_eq(receiver_get(bench.receiver, 3)->method, "POST");
	cr_assert_str_eq(receiver_get(bench.receiver, 3)->body, "{\"a\":1}");
	close_bench();
}

Test(outbound, names_every_way_an_exchange_can_end)
{
	static const struct {
		const char *path;
		enum answer_fault fault;
		int status;
	} cases[] = {
		{ "/status/200", ANSWER_OK, 200 },        { "/status/404", ANSWER_OK, 404 },
		{ "/status/503", ANSWER_OK, 503 },        { "/status/302", ANSWER_OK, 302 },
		{ "/big/65536", ANSWER_OK, 200 },         { "/big/65537", ANSWER_TOO_LARGE, 200 },
		{ "/big/500000", ANSWER_TOO_LARGE, 200 }, { "/garbage", ANSWER_BROKEN, 0 },
		{ "/nothing", ANSWER_UNREACHED, 0 },      { "/short", ANSWER_BROKEN, 200 },
		{ "/begun", ANSWER_BROKEN, 404 },         { "/switch", ANSWER_BROKEN, 0 },
		{ "/processing", ANSWER_BROKEN, 0 },      { "/heads", ANSWER_OK, 200 },
		{ "/endless-line", ANSWER_BROKEN, 200 },  { "/endless-status", ANSWER_BROKEN, 0 },
	};

	open_bench(answer_by_path, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct result result;

		exchange(cases[i].path, &result);
		cr_expect_eq(result.fault, cases[i].fault, "%s: fault %d", cases[i].path,
			     result.fault);
		cr_expect_eq(result.status, cases[i].status, "%s: status %d", cases[i].path,
			     result.status);
		cr_expect_leq(result.body_len, ANSWER_MAX_BODY);
	}
	close_bench();
}

Test(outbound, does_not_follow_redirects)
{
	struct result result;

	open_bench(answer_by_path, NULL);
	exchange("/status/302", &result);
	cr_assert_eq(result.status, 302);
	exchange("/status/307", &result);
	cr_assert_eq(result.status, 307);
	cr_assert_eq(receiver_count(bench.receiver), 2, "somebody went elsewhere");
	close_bench();
}

Test(outbound, keeps_the_headers_of_the_final_answer_only)
{
	struct result result;

	open_bench(answer_by_path, NULL);
	exchange("/status/503", &result);
	cr_assert_str_eq(result.retry_after, "7");
	exchange("/interim", &result);
	cr_assert_eq(result.status, 200);
	cr_assert_str_eq(result.retry_after, "");
	cr_assert_str_eq(result.content_type, "text/plain");
	cr_assert_str_eq(result.body, "late");
	exchange("/trailer", &result);
	cr_assert_eq(result.status, 503);
	cr_assert_str_eq(result.body, "no");
	cr_assert_str_eq(result.retry_after, "", "whoever writes a body may write its trailer");
	close_bench();
}

Test(outbound, reuses_a_connection)
{
	struct result result;

	open_bench(answer_by_path, NULL);
	for (int i = 0; i < 10; i++)
		exchange("/", &result);
	cr_assert_eq(receiver_count(bench.receiver), 10);
	cr_assert_eq(receiver_connections(bench.receiver), 1);
	close_bench();
}

Test(outbound, shows_the_address_to_the_guard_before_it_connects)
{
	const struct sockaddr_in *saw = (const struct sockaddr_in *)&guard_saw;
	struct result result;

	open_bench(answer_by_path, NULL);
	guard_allows = false;
	exchange("/", &result);
	cr_assert_eq(result.fault, ANSWER_REFUSED);
	cr_assert_eq(guard_calls, 1);
	cr_assert_eq(saw->sin_family, AF_INET);
	cr_assert_eq(ntohl(saw->sin_addr.s_addr), INADDR_LOOPBACK);
	cr_assert_eq(ntohs(saw->sin_port), receiver_port(bench.receiver));
	/* The next connection is the first the receiver sees. */
	guard_allows = true;
	exchange("/", &result);
	cr_assert_eq(receiver_get(bench.receiver, 0)->connection, 1, "it connected all the same");
	close_bench();
}

Test(outbound, shows_a_reused_connection_to_the_guard_again)
{
	struct result result;
	unsigned before;

	open_bench(answer_by_path, NULL);
	exchange("/first", &result);
	cr_assert_eq(result.fault, ANSWER_OK);
	before = guard_calls;
	guard_allows = false;
	exchange("/second", &result);
	cr_assert_eq(result.fault, ANSWER_REFUSED);
	cr_assert_eq(guard_calls, before + 1);
	cr_assert_eq(receiver_count(bench.receiver), 1, "the request went out all the same");
	cr_assert_eq(receiver_connections(bench.receiver), 1, "the connection was not reused");
	close_bench();
}

Test(outbound, gives_up_at_the_deadline)
{
	struct result result;
	char url[128];

	open_bench(answer_by_path, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/hold", receiver_port(bench.receiver));
	send_to(url, "POST", 50, &result);
	wait_for_result(&result);
	cr_assert_eq(result.fault, ANSWER_TIMEOUT);
	cr_assert_eq(result.status, 0);
	exchange("/", &result); /* and works on afterwards */
	cr_assert_eq(result.fault, ANSWER_OK);
	close_bench();
}

Test(outbound, cancels_on_a_later_turn_and_only_once)
{
	struct outbound_call *call;
	struct result result;
	char url[128];

	open_bench(answer_by_path, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/hold", receiver_port(bench.receiver));
	call = send_to(url, "POST", PATIENCE_MS, &result);
	outbound_cancel(call);
	outbound_cancel(call);
	cr_assert_eq(result.calls, 0);
	wait_for_result(&result);
	cr_assert_eq(result.fault, ANSWER_CANCELLED);
	close_bench();
	cr_assert_eq(result.calls, 1);
}

Test(outbound, ends_calls_under_way_when_it_closes)
{
	struct result results[8];
	char url[128];

	open_bench(answer_by_path, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/hold", receiver_port(bench.receiver));
	for (size_t i = 0; i < ARRAY_LEN(results); i++)
		send_to(url, "POST", PATIENCE_MS, &results[i]);
	while (receiver_count(bench.receiver) < 4)
		uv_run(&bench.loop, UV_RUN_ONCE);
	close_bench();
	for (size_t i = 0; i < ARRAY_LEN(results); i++) {
		cr_expect_eq(results[i].calls, 1);
		cr_expect_eq(results[i].fault, ANSWER_CANCELLED);
	}
}

Test(outbound, tells_what_it_cannot_reach)
{
	static const struct {
		const char *url;
		enum answer_fault fault;
	} cases[] = {
		{ "http://127.0.0.1:1/", ANSWER_UNREACHED },
		{ "http://no-such-name.invalid/", ANSWER_UNRESOLVED },
		{ "ftp://127.0.0.1/", ANSWER_BROKEN },
		{ "file:///etc/passwd", ANSWER_BROKEN },
		{ "gopher://127.0.0.1/", ANSWER_BROKEN },
		{ "http://user:word@127.0.0.1:1/", ANSWER_BROKEN },
		{ "http:///", ANSWER_BROKEN },
		{ "", ANSWER_BROKEN },
		{ "http://127.0.0.1:99999/", ANSWER_BROKEN },
	};

	open_bench(NULL, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct result result;

		send_to(cases[i].url, "POST", PATIENCE_MS, &result);
		wait_for_result(&result);
		cr_expect_eq(result.fault, cases[i].fault, "%s: fault %d", cases[i].url,
			     result.fault);
	}
	close_bench();
}

/* Without a descriptor nothing goes out, which is not the destination's failure. */
Test(outbound, blames_nobody_when_descriptors_run_out)
{
	static const char *const urls[] = { "http://127.0.0.1:1/", "http://localhost:1/" };
	struct rlimit before;
	struct rlimit none;

	open_bench(NULL, NULL);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct result result;

		none = before;
		none.rlim_cur = 0;
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
		send_to(urls[i], "POST", PATIENCE_MS, &result);
		wait_for_result(&result);
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
		cr_expect_eq(result.fault, ANSWER_CANCELLED, "%s: fault %d", urls[i], result.fault);
		send_to(urls[i], "POST", PATIENCE_MS, &result);
		wait_for_result(&result);
		cr_expect_eq(result.fault, ANSWER_UNREACHED, "%s: fault %d", urls[i], result.fault);
	}
	close_bench();
}

Test(outbound, ignores_proxies_from_the_environment)
{
	struct result result;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	open_bench(answer_by_path, NULL);
	exchange("/", &result);
	cr_assert_eq(result.fault, ANSWER_OK);
	close_bench();
}

Test(outbound, refuses_a_request_that_was_built_badly)
{
	struct outbound_call *call;
	struct outgoing request;
	struct result result = { 0 };

	open_bench(NULL, NULL);
	outgoing_init(&request);
	request.method = "POST";
	buf_add_text(&request.url, "http://127.0.0.1:1/");
	outgoing_header(&request, "X-Split", STR("a\r\nX-Evil: b"));
	cr_assert_eq(outbound_send(bench.outbound, &request, 1000, guard, &bench, on_answer,
				   &result, &call),
		     -EINVAL);
	close_bench();
	cr_assert_eq(result.calls, 0);
}

Test(outbound, serves_many_calls_at_once)
{
	enum { CALLS = 100 };
	static struct result results[CALLS];
	unsigned done = 0;
	char url[128];

	open_bench(answer_by_path, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", receiver_port(bench.receiver));
	for (size_t i = 0; i < CALLS; i++)
		send_to(url, "POST", PATIENCE_MS, &results[i]);
	while (done < CALLS) {
		uv_run(&bench.loop, UV_RUN_ONCE);
		done = 0;
		for (size_t i = 0; i < CALLS; i++)
			done += results[i].calls;
	}
	for (size_t i = 0; i < CALLS; i++)
		cr_expect_eq(results[i].fault, ANSWER_OK);
	cr_assert_eq(receiver_count(bench.receiver), CALLS);
	close_bench();
}

static void set_flag(void *owner)
{
	*(bool *)owner = true;
}

Test(outbound, closes_without_ever_having_sent)
{
	bool is_called = false;

	open_bench(NULL, NULL);
	close_bench();
	outbound_close(NULL, NULL, NULL);
	outbound_close(NULL, set_flag, &is_called);
	cr_expect(is_called);
}
