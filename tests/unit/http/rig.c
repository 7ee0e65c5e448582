/* SPDX-License-Identifier: Apache-2.0 */

/* The routes that tests ask, and clients with plain sockets. */
#include "tests/unit/http/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "http/connection.h"
#include "tests/support/consume.h"
#include "tests/support/patience.h"

/* ---- routes ------------------------------------------------------------------------------ */

static void answer_hello(struct http_request *request, void *owner)
{
	struct rig *rig = owner;

	rig->calls++;
	http_respond(request, 200, "text/plain", STR("hello"));
}

static void answer_echo(struct http_request *request, void *owner)
{
	struct rig *rig = owner;

	rig->calls++;
	http_respond(request, 200, "text/plain", http_request_body(request));
}

static void answer_thing(struct http_request *request, void *owner)
{
	struct rig *rig = owner;
	struct buf json;

	rig->calls++;
	buf_init(&json, 4096);
	buf_addf(&json, "{\"id\":\"%.*s\"}", STR_ARGS(http_request_param(request, 0)));
	http_respond_json(request, 200, &json);
	buf_done(&json);
}

static void answer_big(struct http_request *request, void *owner)
{
	struct rig *rig = owner;

	rig->calls++;
	while (rig->big.len < RIG_BIG_BODY)
		buf_add_text(&rig->big, "0123456789abcdef");
	http_respond(request, 200, "text/plain", buf_str(&rig->big));
}

static void on_abort(void *owner)
{
	struct rig *rig = owner;

	rig->aborts++;
	if (rig->answer_on_abort)
		http_respond(rig->pending[--rig->pending_count], 200, "text/plain",
			     STR("given up"));
}

static void answer_later(struct http_request *request, void *owner)
{
	struct rig *rig = owner;

	rig->calls++;
	cr_assert_lt(rig->pending_count, RIG_PENDING);
	rig->pending[rig->pending_count++] = request;
	http_request_on_abort(request, on_abort, rig);
}

static void on_writable(void *owner)
{
	struct rig *rig = owner;
	struct iovec piece = { .iov_base = (char *)rig->endless.at, .iov_len = rig->endless.len };

	rig->writables++;
	/* Only a short write brings the next call. */
	while (piece.iov_len && http_stream_write(rig->stream, &piece, 1) == (ssize_t)piece.iov_len)
		;
}

const struct connection *rig_connection(const struct rig *rig)
{
	return (const struct connection *)rig->stream;
}

static void on_stream_closed(void *owner)
{
	struct rig *rig = owner;

	rig->streams_closed++;
	rig->closed_before_the_end = deadline_is_waiting(&rig_connection(rig)->deadline);
	http_stream_close(rig->stream, true); /* must be harmless here */
	rig->stream = NULL;
}

static void answer_stream(struct http_request *request, void *owner)
{
	static const struct http_stream_events events = { .on_writable = on_writable,
							  .on_closed = on_stream_closed };
	struct rig *rig = owner;

	rig->calls++;
	http_respond_header(request, "X-Extra", STR("yes"));
	rig->stream_rc = http_stream_open(request, &events, rig, STR(""), &rig->stream);
}

static void authenticate(struct http_request *request, enum http_access access, void *owner)
{
	struct rig *rig = owner;

	cr_assert_eq(access, ACCESS_TEAM);
	if (rig->auth == AUTH_REFUSES) {
		http_respond_error(request, HTTP_UNAUTHORIZED, NULL);
	} else if (rig->auth == AUTH_WAITS) {
		rig->unauthenticated = request;
	} else {
		http_request_identity(request)->has_team = true;
		http_request_authenticated(request);
	}
}

/* ---- the server --------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

void rig_open(struct rig *rig, struct http_options options)
{
	const struct http_route routes[] = {
		{ HTTP_GET, "/hello", ACCESS_PUBLIC, answer_hello, rig },
		{ HTTP_POST, "/echo", ACCESS_PUBLIC, answer_echo, rig },
		{ HTTP_PUT, "/echo", ACCESS_PUBLIC, answer_echo, rig },
		{ HTTP_GET, "/things/{id}", ACCESS_PUBLIC, answer_thing, rig },
		{ HTTP_GET, "/big", ACCESS_PUBLIC, answer_big, rig },
		{ HTTP_GET, "/later", ACCESS_PUBLIC, answer_later, rig },
		{ HTTP_GET, "/private", ACCESS_TEAM, answer_later, rig },
	};
	const struct http_route stream = { HTTP_GET, "/stream", ACCESS_PUBLIC, answer_stream, rig };
	struct reason why;

	*rig = (struct rig){ .stream_rc = 1 };
	buf_init(&rig->big, RIG_BIG_BODY + 16);
	cr_assert_eq(uv_loop_init(&rig->loop), 0);
	uv_timer_init(&rig->loop, &rig->tick);
	uv_timer_start(&rig->tick, on_tick, 1, 1);
	options.loop = &rig->loop;
	options.host = "127.0.0.1";
	options.authenticate = authenticate;
	options.authenticate_owner = rig;
	if (!options.max_connections)
		options.max_connections = 100;
	cr_assert_eq(http_server_open(&options, &rig->server, &why), 0, "%s", why.text);
	cr_assert_eq(http_server_add_routes(rig->server, routes, ARRAY_LEN(routes)), 0);
	cr_assert_eq(http_server_add_streams(rig->server, &stream, 1), 0);
}

static void on_server_closed(void *owner)
{
	struct rig *rig = owner;

	rig->server_closed++;
}

void rig_close(struct rig *rig)
{
	http_server_close(rig->server, on_server_closed, rig);
	RIG_UNTIL(rig, rig->server_closed);
	uv_close((uv_handle_t *)&rig->tick, NULL);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	cr_expect_eq(rig->server_closed, 1);
	cr_expect_eq(uv_loop_close(&rig->loop), 0);
	buf_done(&rig->big);
}

void rig_turn(struct rig *rig)
{
	static int64_t started_ms;

	if (!started_ms)
		started_ms = clock_mono_ms();
	cr_assert_lt(clock_mono_ms(), started_ms + PATIENCE_MS, "timed out waiting");
	uv_run(&rig->loop, UV_RUN_ONCE);
}

/* ---- clients ------------------------------------------------------------------------------ */

void client_open(struct client *client, struct rig *rig)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(http_server_port(rig->server)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	*client = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	buf_init(&client->in, 64 * 1024 * 1024);
	cr_assert_geq(client->fd, 0);
	cr_assert_eq(connect(client->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	buf_done(&client->in);
}

void client_send(struct client *client, struct str text)
{
	while (text.len) {
		ssize_t n = send(client->fd, text.at, text.len, MSG_NOSIGNAL);

		cr_assert_gt(n, 0, "send: %s", strerror(errno));
		text = str_from(text, (size_t)n);
	}
}

void client_send_text(struct client *client, const char *text)
{
	client_send(client, str_of(text));
}

void client_pump(struct client *client)
{
	static char bytes[65536];
	ssize_t n = recv(client->fd, bytes, sizeof(bytes), 0);

	if (n > 0) {
		buf_add(&client->in, bytes, (size_t)n);
	} else if (n == 0) {
		client->ended = true;
	} else if (errno != EAGAIN) {
		client->ended = true;
		client->reset = true;
	}
}

bool client_has(struct client *client, const char *text)
{
	client_pump(client);
	return client->in.len &&
	       memmem(client->in.bytes, client->in.len, text, strlen(text)) != NULL;
}

bool client_has_ended(struct client *client)
{
	client_pump(client);
	return client->ended;
}

struct str reply_field(const struct reply *reply, const char *name)
{
	struct str lines = reply->head;

	while (lines.len) {
		struct str line = str_cut(&lines, '\n');
		struct str value = line;

		if (str_eq_nocase(str_cut(&value, ':'), str_of(name)))
			return str_trim(value);
	}
	return (struct str){ .at = NULL, .len = 0 };
}

/* Length of the first answer in the client's buffer, or 0 while it is incomplete. */
static size_t whole_reply(struct client *client, bool bodyless)
{
	const char *end;
	struct reply reply = { .status = 0 };
	unsigned long long body_len = 0;
	size_t head_len;

	client_pump(client);
	end = client->in.len ? memmem(client->in.bytes, client->in.len, "\r\n\r\n", 4) : NULL;
	if (!end)
		return 0;
	head_len = (size_t)(end - client->in.bytes) + 4;
	reply.head = (struct str){ .at = client->in.bytes, .len = head_len };
	if (!bodyless && reply_field(&reply, "content-length").at)
		cr_assert(str_to_u64(reply_field(&reply, "content-length"), &body_len));
	return client->in.len >= head_len + body_len ? head_len + (size_t)body_len : 0;
}

struct reply client_reply(struct client *client, struct rig *rig, bool bodyless)
{
	struct reply reply = { .status = 0 };
	size_t len = 0;
	size_t head_len;

	RIG_UNTIL(rig, (len = whole_reply(client, bodyless)) || client->ended);
	cr_assert_gt(len, 0, "the connection ended without an answer");
	buf_init(&reply.bytes, len);
	buf_add(&reply.bytes, client->in.bytes, len);
	buf_consume(&client->in, len);
	head_len = (size_t)((char *)memmem(reply.bytes.bytes, len, "\r\n\r\n", 4) -
			    reply.bytes.bytes) +
		   4;
	reply.head = (struct str){ .at = reply.bytes.bytes, .len = head_len };
	reply.body = str_from(buf_str(&reply.bytes), head_len);
	cr_assert(str_starts(reply.head, STR("HTTP/1.1 ")), "%.*s", STR_ARGS(reply.head));
	reply.status = (int)strtol(reply.head.at + 9, NULL, 10);
	return reply;
}

void reply_done(struct reply *reply)
{
	buf_done(&reply->bytes);
}

void client_expect(struct client *client, struct rig *rig, const char *request, int status,
		   const char *body)
{
	struct reply reply;

	client_send_text(client, request);
	reply = client_reply(client, rig, strncmp(request, "HEAD", 4) == 0);
	cr_expect_eq(reply.status, status, "%d to %s", reply.status, request);
	if (body)
		cr_expect(str_is(reply.body, body), "%.*s", STR_ARGS(reply.body));
	reply_done(&reply);
}
