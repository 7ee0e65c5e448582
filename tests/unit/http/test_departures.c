/* SPDX-License-Identifier: Apache-2.0 */

/* Clients that leave while a handler is busy, and a server that closes then. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "http/connection.h"
#include "http/server_state.h"
#include "tests/unit/http/rig.h"

#define HOST      "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static struct rig rig;

Test(departure, answers_a_client_that_has_finished_sending)
{
	struct client client;
	struct reply reply;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/hello") GET("/things/1"));
	cr_assert_eq(shutdown(client.fd, SHUT_WR), 0);
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "hello"));
	reply_done(&reply);
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "{\"id\":\"1\"}\n"));
	reply_done(&reply);
	RIG_UNTIL(&rig, client_has_ended(&client));
	client_close(&client);
	rig_close(&rig);
}

Test(departure, answers_late_to_a_client_that_has_finished_sending)
{
	struct client client;
	struct reply reply;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/later"));
	cr_assert_eq(shutdown(client.fd, SHUT_WR), 0);
	RIG_UNTIL(&rig, rig.aborts == 1);
	rig_turn(&rig);
	cr_expect_eq(list_item(rig.server->pool.connections.next, struct connection, link)->armed,
		     0, "the poller would report it again in every turn");
	http_respond(rig.pending[0], 200, "text/plain", STR("late"));
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "late"));
	reply_done(&reply);
	RIG_UNTIL(&rig, client_has_ended(&client));
	client_close(&client);
	rig_close(&rig);
}

Test(departure, tells_the_handler_once_when_the_client_leaves)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	for (int with_reset = 0; with_reset < 2; with_reset++) {
		struct client client;

		rig_open(&rig, (struct http_options){ 0 });
		client_open(&client, &rig);
		client_send_text(&client, GET("/later"));
		RIG_UNTIL(&rig, rig.pending_count == 1);
		if (with_reset)
			setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		client_close(&client);
		RIG_UNTIL(&rig, rig.aborts);
		for (int i = 0; i < 10; i++)
			rig_turn(&rig);
		cr_expect_eq(rig.aborts, 1);
		http_respond(rig.pending[0], 200, "text/plain", STR("to nobody"));
		rig_close(&rig);
	}
}

Test(departure, does_not_tell_the_handler_again_when_the_server_closes_as_well)
{
	struct client client;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/later"));
	RIG_UNTIL(&rig, rig.pending_count == 1);
	shutdown(client.fd, SHUT_WR);
	RIG_UNTIL(&rig, rig.aborts);
	http_server_close(rig.server, NULL, NULL);
	cr_expect_eq(rig.aborts, 1);
	http_respond(rig.pending[0], 200, "text/plain", STR("to nobody"));
	client_close(&client);
	uv_close((uv_handle_t *)&rig.tick, NULL);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	cr_expect_eq(rig.aborts, 1);
	cr_expect_eq(uv_loop_close(&rig.loop), 0);
}

Test(departure, lets_the_handler_answer_from_within_on_abort)
{
	struct client client;

	rig_open(&rig, (struct http_options){ 0 });
	rig.answer_on_abort = true;
	client_open(&client, &rig);
	client_send_text(&client, GET("/later"));
	RIG_UNTIL(&rig, rig.pending_count == 1);
	client_close(&client);
	RIG_UNTIL(&rig, rig.aborts);
	cr_expect_eq(rig.pending_count, 0);
	client_open(&client, &rig);
	client_expect(&client, &rig, GET("/hello"), 200, "hello");
	client_close(&client);
	rig_close(&rig);
}

/* The client left during authentication. A handler that registers on_abort afterwards still gets
 * it. */
Test(departure, tells_a_handler_that_starts_after_the_client_left)
{
	struct client client;

	rig_open(&rig, (struct http_options){ 0 });
	rig.auth = AUTH_WAITS;
	client_open(&client, &rig);
	client_send_text(&client, GET("/private"));
	RIG_UNTIL(&rig, rig.unauthenticated);
	client_close(&client);
	for (int i = 0; i < 10; i++)
		rig_turn(&rig);
	http_request_authenticated(rig.unauthenticated);
	cr_assert_eq(rig.pending_count, 1);
	cr_expect_eq(rig.aborts, 0, "not from within");
	RIG_UNTIL(&rig, rig.aborts == 1);
	http_respond(rig.pending[0], 200, "text/plain", STR(""));
	rig_close(&rig);
}

Test(departure, waits_for_a_busy_handler_when_the_server_closes)
{
	struct client client;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/later"));
	RIG_UNTIL(&rig, rig.pending_count == 1);
	http_server_close(rig.server, NULL, NULL);
	cr_expect_eq(rig.aborts, 1);
	for (int i = 0; i < 10; i++)
		rig_turn(&rig);
	cr_expect_not(client_has_ended(&client), "the request is still with its handler");
	http_respond(rig.pending[0], 200, "text/plain", STR("too late"));
	RIG_UNTIL(&rig, client_has_ended(&client));
	cr_expect_eq(client.in.len, 0);
	client_close(&client);
	uv_close((uv_handle_t *)&rig.tick, NULL);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&rig.loop), 0, "nothing is left on the loop");
}

Test(departure, finishes_what_is_open_once_it_no_longer_listens)
{
	struct client client;
	struct reply reply;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_expect(&client, &rig, GET("/hello"), 200, "hello");
	client_send_text(&client, GET("/later"));
	RIG_UNTIL(&rig, rig.pending_count == 1);
	http_server_stop_listening(rig.server);
	http_respond(rig.pending[0], 200, "text/plain", STR("late"));
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "late"));
	cr_expect(str_is(reply_field(&reply, "Connection"), "close"));
	reply_done(&reply);
	RIG_UNTIL(&rig, client_has_ended(&client));
	client_close(&client);
	rig_close(&rig);
}

/* The app waits for them, for a while, before it closes the server. */
Test(departure, knows_of_requests_that_are_coming)
{
	struct client kept;
	struct client fresh;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&kept, &rig);
	client_expect(&kept, &rig, GET("/hello"), 200, "hello");
	cr_expect_not(http_server_expects_requests(rig.server), "an idle connection");
	client_open(&fresh, &rig);
	http_server_stop_listening(rig.server);
	cr_expect(http_server_expects_requests(rig.server), "nothing was sent");
	client_send_text(&fresh, "GET /hello HTTP/1.1\r\n");
	for (int i = 0; i < 10; i++)
		rig_turn(&rig);
	cr_expect(http_server_expects_requests(rig.server), "half a head");
	client_send_text(&fresh, "Host: x\r\n\r\n");
	RIG_UNTIL(&rig, client_has(&fresh, "hello"));
	RIG_UNTIL(&rig, client_has_ended(&fresh));
	cr_expect_not(http_server_expects_requests(rig.server), "it was answered");
	client_close(&fresh);
	client_close(&kept);
	rig_close(&rig);
}

/* systemd keeps the socket. The next server accepts whoever came too late for the first one. */
Test(departure, leaves_a_kept_queue_to_the_server_after_it)
{
	struct reason why = { .text = "" };
	int listener = http_listen("127.0.0.1", 0, false, &why);
	struct client client;

	cr_assert_gt(listener, 0, "%s", why.text);
	rig_open(&rig, (struct http_options){ .listener = dup(listener), .is_kept = true });
	client_open(&client, &rig);
	http_server_stop_listening(rig.server);
	client_send_text(&client, GET("/hello"));
	rig_close(&rig);
	cr_expect_not(client_has_ended(&client));
	rig_open(&rig, (struct http_options){ .listener = listener, .is_kept = true });
	RIG_UNTIL(&rig, client_has(&client, "hello"));
	client_close(&client);
	rig_close(&rig);
}

Test(departure, survives_a_client_that_leaves_amid_a_large_answer)
{
	struct client client;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/big"));
	RIG_UNTIL(&rig, client_has(&client, "0123456789abcdef"));
	client_close(&client);
	client_open(&client, &rig);
	client_expect(&client, &rig, GET("/hello"), 200, "hello");
	client_close(&client);
	rig_close(&rig);
}

static int option_of(const struct connection *c, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	cr_assert_eq(getsockopt(c->fd, level, name, &value, &len), 0);
	return value;
}

/* A machine that loses power sends no FIN, and a wait writes nothing for ten minutes. */
Test(departure, is_probed_by_the_kernel_after_a_minute_of_silence)
{
	struct client client;
	const struct connection *c;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_expect(&client, &rig, GET("/hello"), 200, "hello");
	c = list_item(rig.server->pool.connections.next, struct connection, link);
	cr_expect_eq(option_of(c, SOL_SOCKET, SO_KEEPALIVE), 1);
	cr_expect_leq(option_of(c, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	cr_expect_leq(option_of(c, IPPROTO_TCP, TCP_KEEPINTVL), 10);
	cr_expect_leq(option_of(c, IPPROTO_TCP, TCP_KEEPCNT), 3);
	client_close(&client);
	rig_close(&rig);
}
