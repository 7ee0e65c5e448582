/* SPDX-License-Identifier: Apache-2.0 */

/* See outbound_rig.h. */
#include "outbound_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/support/patience.h"

struct bench bench;
bool guard_allows;
unsigned guard_calls;
struct sockaddr_storage guard_saw;

bool guard(const struct sockaddr *address, const void *arg)
{
	cr_assert_eq(arg, &bench);
	guard_calls++;
	memcpy(&guard_saw, address, sizeof(struct sockaddr_in));
	return guard_allows;
}

void on_answer(const struct answer *answer, void *owner)
{
	struct result *result = owner;
	struct str retry = answer_header(answer, "Retry-After");
	struct str type = answer_header(answer, "Content-Type");

	result->calls++;
	result->fault = answer->fault;
	result->status = answer->status;
	result->body_len = answer->body.len;
	result->duration_us = answer->duration_us;
	result->why = answer->why;
	snprintf(result->body, sizeof(result->body), "%.*s", STR_ARGS(answer->body));
	snprintf(result->retry_after, sizeof(result->retry_after), "%.*s", STR_ARGS(retry));
	snprintf(result->content_type, sizeof(result->content_type), "%.*s", STR_ARGS(type));
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

void on_bench_closed(void *owner)
{
	bool *closed = owner;

	*closed = true;
}

void open_bench(receiver_fn answer, const char *ca_file)
{
	const struct outbound_options options = {
		.loop = &bench.loop,
		.max_connections = 16,
		.user_agent = "wrenn-events/test",
		.ca_file = ca_file,
	};

	guard_allows = true;
	guard_calls = 0;
	bench.is_closed = false;
	uv_loop_init(&bench.loop);
	uv_timer_init(&bench.loop, &bench.tick);
	uv_timer_start(&bench.tick, on_tick, 5, 5);
	bench.receiver = answer ? receiver_start(answer, NULL, NULL, NULL) : NULL;
	cr_assert_eq(outbound_open(&options, &bench.outbound), 0);
}

void turn_until(const bool *condition)
{
	uint64_t limit = uv_now(&bench.loop) + PATIENCE_MS;

	while (!*condition) {
		uv_run(&bench.loop, UV_RUN_ONCE);
		cr_assert_lt(uv_now(&bench.loop), limit, "nothing happened in time");
	}
}

void wait_for_result(const struct result *result)
{
	uint64_t limit = uv_now(&bench.loop) + PATIENCE_MS;

	while (result->calls == 0) {
		uv_run(&bench.loop, UV_RUN_ONCE);
		cr_assert_lt(uv_now(&bench.loop), limit, "no answer in time");
	}
	cr_assert_eq(result->calls, 1);
}

void close_bench(void)
{
	outbound_close(bench.outbound, on_bench_closed, &bench.is_closed);
	turn_until(&bench.is_closed);
	uv_close((uv_handle_t *)&bench.tick, NULL);
	uv_run(&bench.loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&bench.loop), 0, "a handle was left open");
	if (bench.receiver)
		receiver_stop(bench.receiver);
}

struct outbound_call *send_to(const char *url, const char *method, unsigned timeout_ms,
			      struct result *result)
{
	struct outbound_call *call = NULL;
	struct outgoing request;

	outgoing_init(&request);
	request.method = method;
	buf_add_text(&request.url, url);
	buf_add_text(&request.body, "{\"a\":1}");
	outgoing_header(&request, "Content-Type", STR("application/json"));
	outgoing_header(&request, "X-Sample", STR("yes"));
	memset(result, 0, sizeof(*result));
	cr_assert_eq(outbound_send(bench.outbound, &request, timeout_ms, guard, &bench, on_answer,
				   result, &call),
		     0);
	cr_assert_eq(result->calls, 0, "called back from within outbound_send()");
	cr_assert_eq(request.url.len, 0, "the request was not taken over");
	cr_assert_eq(request.header_count, 0);
	return call;
}

void exchange(const char *path, struct result *result)
{
	char url[256];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", receiver_port(bench.receiver), path);
	send_to(url, "POST", PATIENCE_MS, result);
	wait_for_result(result);
}
