/* SPDX-License-Identifier: Apache-2.0 */

/* Streams: how they open, are written to, and end. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/metrics.h"
#include "http/connection.h"
#include "tests/unit/http/rig.h"

#define HOST      "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static struct rig rig;
static struct client client;

static void open_stream(struct http_options options)
{
	rig_open(&rig, options);
	client_open(&client, &rig);
	client_send_text(&client, GET("/stream"));
	RIG_UNTIL(&rig, rig.stream);
	cr_assert_eq(rig.stream_rc, 0);
}

static ssize_t write_text(const char *text)
{
	const struct iovec piece = { .iov_base = (char *)text, .iov_len = strlen(text) };

	return http_stream_write(rig.stream, &piece, 1);
}

static void end(void)
{
	client_close(&client);
	rig_close(&rig);
}

Test(stream, opens_with_the_fields_of_the_contract)
{
	struct reply reply;

	open_stream((struct http_options){ 0 });
	reply = client_reply(&client, &rig, false);
	cr_expect_eq(reply.status, 200);
	cr_expect(str_is(reply_field(&reply, "Content-Type"), "text/event-stream"));
	cr_expect(str_is(reply_field(&reply, "Cache-Control"), "no-cache, no-transform"));
	cr_expect(str_is(reply_field(&reply, "Connection"), "keep-alive"));
	cr_expect(str_is(reply_field(&reply, "X-Accel-Buffering"), "no"));
	cr_expect(str_is(reply_field(&reply, "Transfer-Encoding"), "chunked"));
	cr_expect(str_is(reply_field(&reply, "X-Extra"), "yes"));
	cr_expect(str_starts(reply_field(&reply, "X-Request-ID"), STR("req_")));
	cr_expect_null(reply_field(&reply, "Content-Length").at);
	reply_done(&reply);
	end();
}

Test(stream, carries_what_is_written_and_ends_with_the_last_chunk)
{
	const struct iovec pieces[] = { { (char *)"3\r\n", 3 }, { (char *)"abc\r\n", 5 } };

	open_stream((struct http_options){ 0 });
	cr_expect_eq(write_text("2\r\nhi\r\n"), 7);
	cr_expect_eq(http_stream_write(rig.stream, pieces, 2), 8);
	RIG_UNTIL(&rig, client_has(&client, "\r\n\r\n2\r\nhi\r\n3\r\nabc\r\n"));
	http_stream_close(rig.stream, true);
	http_stream_close(rig.stream, true);
	cr_expect_eq(rig.streams_closed, 0, "not from within");
	cr_expect_eq(write_text("x"), -EPIPE);
	RIG_UNTIL(&rig, client_has_ended(&client));
	cr_expect(client_has(&client, "abc\r\n0\r\n\r\n"));
	cr_expect_eq(rig.streams_closed, 1);
	end();
	cr_expect_eq(rig.streams_closed, 1);
}

Test(stream, breaks_off_when_it_did_not_end_well)
{
	open_stream((struct http_options){ 0 });
	http_stream_close(rig.stream, false);
	RIG_UNTIL(&rig, client_has_ended(&client));
	cr_expect_not(client_has(&client, "0\r\n\r\n"));
	end();
}

Test(stream, tells_its_owner_once_when_the_client_leaves)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	for (int how = 0; how < 3; how++) {
		open_stream((struct http_options){ 0 });
		if (how == 0)
			setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		if (how == 1)
			shutdown(client.fd, SHUT_WR);
		else
			close(client.fd);
		RIG_UNTIL(&rig, rig.streams_closed);
		client.fd = how == 1 ? client.fd : -1;
		end();
		cr_expect_eq(rig.streams_closed, 1);
		cr_expect(rig.closed_before_the_end, "the client may be back at once");
	}
}

Test(stream, closes_with_the_server)
{
	open_stream((struct http_options){ 0 });
	end();
	cr_expect_eq(rig.streams_closed, 1);
}

Test(stream, says_when_there_is_room_again)
{
	static char block[65536];
	const struct iovec piece = { .iov_base = block, .iov_len = sizeof(block) };
	size_t written = 0;
	ssize_t n;

	memset(block, 'b', sizeof(block));
	open_stream((struct http_options){ 0 });
	RIG_UNTIL(&rig, client_has(&client, "\r\n\r\n"));
	buf_reset(&client.in);
	for (;;) {
		n = http_stream_write(rig.stream, &piece, 1);
		cr_assert_geq(n, 0);
		written += (size_t)n;
		if ((size_t)n < sizeof(block))
			break;
	}
	/* The kernel may still move bytes to the other socket; write until it is full. */
	while ((n = http_stream_write(rig.stream, &piece, 1)) > 0)
		written += (size_t)n;
	cr_expect_eq(n, 0);
	RIG_UNTIL(&rig, (client_pump(&client), rig.writables > 0));
	RIG_UNTIL(&rig, (client_pump(&client), client.in.len == written));
	cr_expect_geq(rig.writables, 1);
	rig.writables = 0;
	for (int i = 0; i < 10; i++)
		rig_turn(&rig);
	cr_expect_eq(rig.writables, 0, "once it did not ask again it is left alone");
	end();
}

Test(stream, goes_on_for_as_long_as_its_owner_writes_from_on_writable)
{
	static char block[65536];
	const struct iovec piece = { .iov_base = block, .iov_len = sizeof(block) };

	memset(block, 'b', sizeof(block));
	open_stream((struct http_options){ 0 });
	rig.endless = (struct str){ .at = block, .len = sizeof(block) };
	while (http_stream_write(rig.stream, &piece, 1) > 0)
		;
	RIG_UNTIL(&rig, (client_pump(&client), client.in.len > 8 * 1024 * 1024));
	cr_expect_gt(rig.writables, 1);
	end();
}

Test(stream, closes_when_nobody_reads)
{
	static char block[65536];
	const struct iovec piece = { .iov_base = block, .iov_len = sizeof(block) };
	const struct connection *c;

	open_stream((struct http_options){ .write_timeout_ms = 50 });
	c = rig_connection(&rig);
	cr_expect_eq(write_text("x"), 1);
	cr_expect_not(deadline_is_waiting(&c->deadline), "an idle stream has no time-out");
	while (http_stream_write(rig.stream, &piece, 1) > 0)
		;
	cr_expect(deadline_is_waiting(&c->deadline));
	RIG_UNTIL(&rig, rig.streams_closed);
	end();
	cr_expect_eq(rig.streams_closed, 1);
}

Test(stream, throws_away_what_the_client_sends_up_to_a_bound)
{
	static char block[32768];
	size_t sent = 0;

	open_stream((struct http_options){ 0 });
	client_send(&client, (struct str){ .at = block, .len = sizeof(block) });
	for (int i = 0; i < 10; i++)
		rig_turn(&rig);
	cr_expect_eq(rig.streams_closed, 0);
	cr_expect_eq(write_text("2\r\nhi\r\n"), 7);
	RIG_UNTIL(&rig, client_has(&client, "2\r\nhi\r\n"));
	while (!rig.streams_closed) {
		ssize_t n = send(client.fd, block, 1024, MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		rig_turn(&rig);
	}
	cr_expect_gt(sent, 32768);
	end();
}

Test(stream, forgets_what_was_pipelined_after_it)
{
	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/stream") GET("/hello"));
	RIG_UNTIL(&rig, rig.stream);
	for (int i = 0; i < 10; i++)
		rig_turn(&rig);
	cr_expect_eq(rig.calls, 1);
	end();
}

Test(stream, answers_head_with_the_fields_alone)
{
	struct reply reply;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, "HEAD /stream HTTP/1.1\r\n" HOST "\r\n");
	reply = client_reply(&client, &rig, true);
	cr_expect_eq(reply.status, 200);
	cr_expect(str_is(reply_field(&reply, "Content-Type"), "text/event-stream"));
	reply_done(&reply);
	cr_expect_eq(rig.stream_rc, -EPIPE);
	client_expect(&client, &rig, GET("/hello"), 200, "hello");
	end();
	cr_expect_eq(rig.streams_closed, 0);
}

/* By default, nginx speaks HTTP/1.0 to its upstream. */
Test(stream, lasts_until_the_connection_closes_for_a_client_without_chunks)
{
	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	RIG_UNTIL(&rig, rig.stream && client_has(&client, "\r\n\r\n"));
	cr_expect(client_has(&client, "\r\nConnection: close\r\n"));
	cr_expect_not(client_has(&client, "chunked"));
	cr_expect_not(client_has(&client, "Content-Length"));
	write_text("data: 1\n\n");
	RIG_UNTIL(&rig, client_has(&client, "data: 1\n\n"));
	http_stream_close(rig.stream, true);
	RIG_UNTIL(&rig, client_has_ended(&client));
	cr_expect_not(client_has(&client, "0\r\n\r\n"));
	cr_expect_not(client.reset);
	end();
}

/* An EventSource would give up for good after a 503. */
Test(stream, is_turned_away_with_a_200_beyond_the_cap_of_connections)
{
	struct client kept;
	struct reply reply;

	rig_open(&rig, (struct http_options){ .max_connections = 1 });
	client_open(&kept, &rig);
	client_expect(&kept, &rig, GET("/hello"), 200, "hello");
	client_open(&client, &rig);
	client_send_text(&client,
			 "GET /stream HTTP/1.1\r\n" HOST "Accept: text/event-stream\r\n\r\n");
	reply = client_reply(&client, &rig, false);
	cr_expect_eq(reply.status, 200);
	cr_expect(str_starts(reply.body, STR(": too many connections; try again later\nretry: ")));
	reply_done(&reply);
	RIG_UNTIL(&rig, client_has_ended(&client));
	client_close(&kept);
	end();
}

/* ---- no stream for now --------------------------------------------------------------------- */

static void refuse(struct http_request *request, void *owner)
{
	const enum http_error *error = owner;

	http_respond_fault(request, *error, NULL, "not\nnow");
}

static struct reply ask_refuser(enum http_error *error, const char *accept)
{
	const struct http_route route = { HTTP_GET, "/refuser", ACCESS_PUBLIC, refuse, error };
	char request[256];

	rig_open(&rig, (struct http_options){ 0 });
	cr_assert_eq(http_server_add_streams(rig.server, &route, 1), 0);
	client_open(&client, &rig);
	snprintf(request, sizeof(request), "GET /refuser HTTP/1.1\r\n" HOST "%s\r\n", accept);
	client_send_text(&client, request);
	return client_reply(&client, &rig, false);
}

Test(stream, is_turned_away_with_a_200_where_an_event_source_would_give_up)
{
	static const struct {
		enum http_error error;
		const char *accept;
		int status;
	} cases[] = {
		{ HTTP_SERVICE_UNAVAILABLE, "Accept: text/event-stream\r\n", 200 },
		{ HTTP_RATE_LIMITED, "Accept: text/event-stream\r\n", 200 },
		{ HTTP_INTERNAL_ERROR, "Accept: text/event-stream\r\n", 200 },
		{ HTTP_RATE_LIMITED, "", 200 },
		{ HTTP_RATE_LIMITED, "Accept: */*\r\n", 200 },
		{ HTTP_RATE_LIMITED, "Accept: text/html, TEXT/*;q=0.1\r\n", 200 },
		{ HTTP_RATE_LIMITED, "Accept: application/json\r\n", 429 },
		{ HTTP_SERVICE_UNAVAILABLE, "Accept: application/json\r\n", 503 },
		{ HTTP_RATE_LIMITED, "Accept: text/event-stream;q=0.0, a/b\r\n", 429 },
		{ HTTP_UNAUTHORIZED, "Accept: text/event-stream\r\n", 401 },
		{ HTTP_FORBIDDEN, "Accept: text/event-stream\r\n", 403 },
		{ HTTP_INVALID_REQUEST, "Accept: text/event-stream\r\n", 400 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum http_error error = cases[i].error;
		struct reply reply = ask_refuser(&error, cases[i].accept);

		cr_expect_eq(reply.status, cases[i].status, "case %zu: %d", i, reply.status);
		if (cases[i].status == 200) {
			cr_expect(str_is(reply_field(&reply, "Content-Type"), "text/event-stream"));
			cr_expect(str_starts(reply.body, STR(": not?now\nretry: ")), "%.*s",
				  STR_ARGS(reply.body));
			cr_expect_null(reply_field(&reply, "Retry-After").at);
		}
		reply_done(&reply);
		end();
	}
}

Test(stream, does_not_open_for_a_client_that_is_gone)
{
	const struct http_stream_events events = { .on_closed = NULL };
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct http_stream *stream = NULL;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/later"));
	RIG_UNTIL(&rig, rig.pending_count == 1);
	setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	client_close(&client);
	RIG_UNTIL(&rig, rig.aborts);
	cr_expect_eq(http_stream_open(rig.pending[0], &events, &rig, STR(""), &stream), -EPIPE);
	cr_expect_null(stream);
	rig_close(&rig);
}

/* Ten thousand of them may be open. */
Test(stream, keeps_little_memory)
{
	open_stream((struct http_options){ 0 });
	cr_expect_leq(malloc_usable_size((void *)rig_connection(&rig)), 112);
	end();
}
