/* SPDX-License-Identifier: Apache-2.0 */

/* Clients that are too slow, too many, or more than the process has room for. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/metrics.h"
#include "http/connection.h"
#include "http/server_state.h"
#include "tests/unit/http/rig.h"

#define HOST      "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static struct rig rig;

static int64_t counted(const char *name)
{
	return metric_value(metric_counter(name, NULL, ""));
}

static void expect_timeout(struct client *client)
{
	struct reply reply = client_reply(client, &rig, false);

	cr_expect_eq(reply.status, 408);
	cr_expect(str_is(reply_field(&reply, "Connection"), "close"));
	reply_done(&reply);
	RIG_UNTIL(&rig, client_has_ended(client));
	cr_expect_eq(counted("wrenn_events_http_timeouts_total"), 1);
}

Test(limits, gives_a_silent_client_a_408)
{
	struct client client;

	rig_open(&rig, (struct http_options){ .head_timeout_ms = 20 });
	client_open(&client, &rig);
	expect_timeout(&client);
	client_close(&client);
	rig_close(&rig);
}

Test(limits, gives_an_unfinished_head_a_408_however_it_dribbles)
{
	struct client client;

	rig_open(&rig, (struct http_options){ .head_timeout_ms = 50 });
	client_open(&client, &rig);
	client_send_text(&client, "GET /hello HTTP/1.1\r\nX: ");
	while (!client_has(&client, "408")) {
		send(client.fd, "x", 1, MSG_NOSIGNAL);
		rig_turn(&rig);
	}
	expect_timeout(&client);
	client_close(&client);
	rig_close(&rig);
}

/* The time for the head starts again with the first byte of each later request. */
Test(limits, times_the_head_of_a_later_request)
{
	struct client client;

	rig_open(&rig, (struct http_options){ .head_timeout_ms = 20 });
	client_open(&client, &rig);
	client_expect(&client, &rig, GET("/hello") "GET ", 200, "hello");
	expect_timeout(&client);
	client_close(&client);
	rig_close(&rig);
}

/* Otherwise a client could wait, send a byte, and get the whole time again. */
Test(limits, counts_the_time_of_the_first_head_from_the_accept)
{
	struct client client;
	const struct connection *c;
	uint64_t due_ms;

	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	RIG_UNTIL(&rig, rig.server->pool.count == 1);
	c = list_item(rig.server->pool.connections.next, struct connection, link);
	due_ms = c->deadline.due_ms;
	for (uint64_t start_ms = uv_now(&rig.loop); uv_now(&rig.loop) == start_ms;)
		rig_turn(&rig);
	client_send_text(&client, "GET /");
	RIG_UNTIL(&rig, counted("wrenn_events_http_received_bytes_total") == 5);
	cr_expect(deadline_is_waiting(&c->deadline));
	cr_expect_eq(c->deadline.due_ms, due_ms);
	client_close(&client);
	rig_close(&rig);
}

Test(limits, gives_an_unfinished_body_a_408)
{
	struct client client;

	rig_open(&rig, (struct http_options){ .body_timeout_ms = 20 });
	client_open(&client, &rig);
	client_send_text(&client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabc");
	expect_timeout(&client);
	cr_expect_eq(rig.calls, 0);
	client_close(&client);
	rig_close(&rig);
}

Test(limits, closes_an_idle_connection_without_an_answer)
{
	struct client client;

	rig_open(&rig, (struct http_options){ .idle_timeout_ms = 20 });
	client_open(&client, &rig);
	client_expect(&client, &rig, GET("/hello"), 200, "hello");
	RIG_UNTIL(&rig, client_has_ended(&client));
	cr_expect_eq(client.in.len, 0);
	cr_expect_eq(counted("wrenn_events_http_timeouts_total"), 0);
	client_close(&client);
	rig_close(&rig);
}

Test(limits, closes_when_nobody_reads_the_answer)
{
	struct client client;

	rig_open(&rig, (struct http_options){ .write_timeout_ms = 50 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/big"));
	RIG_UNTIL(&rig, metric_value(metric_gauge("wrenn_events_http_connections", NULL, "")) == 1);
	RIG_UNTIL(&rig, metric_value(metric_gauge("wrenn_events_http_connections", NULL, "")) == 0);
	cr_expect_eq(rig.calls, 1);
	client_close(&client);
	rig_close(&rig);
}

Test(limits, does_not_time_a_busy_handler)
{
	struct client client;
	struct client other;
	struct reply reply;

	rig_open(&rig, (struct http_options){ .head_timeout_ms = 10,
					      .body_timeout_ms = 10,
					      .idle_timeout_ms = 10,
					      .write_timeout_ms = 10 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/later"));
	RIG_UNTIL(&rig, rig.pending_count == 1);
	client_open(&other, &rig); /* as a clock: this one does time out */
	RIG_UNTIL(&rig, client_has(&other, "408"));
	http_respond(rig.pending[0], 200, "text/plain", STR("late"));
	reply = client_reply(&client, &rig, false);
	cr_expect(str_is(reply.body, "late"));
	reply_done(&reply);
	client_close(&client);
	client_close(&other);
	rig_close(&rig);
}

Test(limits, refuses_connections_beyond_the_cap_and_takes_them_again_below)
{
	struct client clients[2];
	struct client late;
	struct reply reply;

	rig_open(&rig, (struct http_options){ .max_connections = 2 });
	for (int i = 0; i < 2; i++) {
		client_open(&clients[i], &rig);
		client_expect(&clients[i], &rig, GET("/hello"), 200, "hello");
	}
	client_open(&late, &rig);
	client_send_text(&late, GET("/hello"));
	reply = client_reply(&late, &rig, false);
	cr_expect_eq(reply.status, 503);
	cr_expect(str_is(reply_field(&reply, "Connection"), "close"));
	cr_expect(str_is(reply_field(&reply, "Retry-After"), "5"));
	reply_done(&reply);
	RIG_UNTIL(&rig, client_has_ended(&late));
	cr_expect_not(late.reset);
	client_close(&late);
	cr_expect_eq(counted("wrenn_events_http_refused_total"), 1);
	client_expect(&clients[1], &rig, GET("/hello"), 200, "hello");

	client_close(&clients[0]);
	RIG_UNTIL(&rig, metric_value(metric_gauge("wrenn_events_http_connections", NULL, "")) == 1);
	client_open(&late, &rig);
	client_expect(&late, &rig, GET("/hello"), 200, "hello");
	client_close(&late);
	client_close(&clients[1]);
	rig_close(&rig);
}

Test(limits, processes_pending_disconnects_before_it_refuses)
{
	struct client clients[2];

	rig_open(&rig, (struct http_options){ .max_connections = 2 });
	for (int i = 0; i < 2; i++) {
		client_open(&clients[i], &rig);
		client_expect(&clients[i], &rig, GET("/hello"), 200, "hello");
	}
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 2; i++)
			client_close(&clients[i]);
		for (int i = 0; i < 2; i++)
			client_open(&clients[i], &rig);
		for (int i = 0; i < 2; i++)
			client_expect(&clients[i], &rig, GET("/hello"), 200, "hello");
	}
	cr_expect_eq(counted("wrenn_events_http_refused_total"), 0);
	for (int i = 0; i < 2; i++)
		client_close(&clients[i]);
	rig_close(&rig);
}

static void allow_many_files(void)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* More connections have events than one turn handles, and those that left come last. */
Test(limits, lets_new_clients_wait_for_pending_disconnects)
{
	static struct client crowd[1100];
	static struct client late[100];

	allow_many_files();
	rig_open(&rig, (struct http_options){ .max_connections = ARRAY_LEN(crowd) });
	for (size_t i = 0; i < ARRAY_LEN(crowd); i++) {
		client_open(&crowd[i], &rig);
		RIG_UNTIL(&rig, rig.server->pool.count == i + 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(crowd) - ARRAY_LEN(late); i++)
		client_send_text(&crowd[i], GET("/hello"));
	for (size_t i = 0; i < ARRAY_LEN(late); i++)
		client_close(&crowd[ARRAY_LEN(crowd) - 1 - i]);
	for (size_t i = 0; i < ARRAY_LEN(late); i++)
		client_open(&late[i], &rig);
	for (size_t i = 0; i < ARRAY_LEN(late); i++)
		client_expect(&late[i], &rig, GET("/hello"), 200, "hello");
	cr_expect_eq(counted("wrenn_events_http_refused_total"), 0);
	for (size_t i = 0; i < ARRAY_LEN(late); i++)
		client_close(&late[i]);
	for (size_t i = 0; i < ARRAY_LEN(crowd) - ARRAY_LEN(late); i++)
		client_close(&crowd[i]);
	rig_close(&rig);
}

/* A 503 costs a socket for a moment, so their number is limited, too. */
Test(limits, drops_a_flood_of_connections_beyond_the_cap)
{
	static struct client flood[200];
	int64_t open = 0;

	rig_open(&rig, (struct http_options){ .max_connections = 1 });
	for (size_t i = 0; i < ARRAY_LEN(flood); i++)
		client_open(&flood[i], &rig);
	RIG_UNTIL(&rig, counted("wrenn_events_http_refused_total") == 199);
	open = metric_value(metric_gauge("wrenn_events_http_connections", NULL, ""));
	cr_expect_leq(open, 1 + 64, "%d are open", (int)open);
	for (size_t i = 0; i < ARRAY_LEN(flood); i++)
		client_close(&flood[i]);
	rig_close(&rig);
}

Test(limits, survives_running_out_of_descriptors)
{
	struct rlimit limit;
	struct rlimit low;
	struct client client;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	rig_open(&rig, (struct http_options){ 0 });
	client_open(&client, &rig);
	client_send_text(&client, GET("/hello"));
	low = limit;
	low.rlim_cur = (rlim_t)client.fd + 1;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	RIG_UNTIL(&rig, counted("wrenn_events_http_accept_faults_total") >= 2);
	cr_expect_eq(rig.calls, 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	client_expect(&client, &rig, "", 200, "hello");
	client_close(&client);
	rig_close(&rig);
}

Test(server, says_why_it_cannot_listen)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	struct http_options options = { .host = "127.0.0.1", .max_connections = 1 };
	struct http_server *server = NULL;
	struct reason why = { .text = "" };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(listen(fd, 1), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	options.loop = uv_default_loop();
	options.port = ntohs(address.sin_port);
	cr_expect_eq(http_server_open(&options, &server, &why), -EADDRINUSE);
	cr_expect_str_eq(why.text, "address already in use");
	close(fd);

	options.host = "no such host";
	cr_expect_eq(http_server_open(&options, &server, &why), -EADDRNOTAVAIL);
	cr_expect_neq(why.text[0], '\0');

	options.host = "127.0.0.1";
	options.max_connections = 0;
	cr_expect_eq(http_server_open(&options, &server, &why), -EINVAL);
	cr_expect_null(server);
	uv_loop_close(uv_default_loop());
}

Test(server, leaves_the_callers_socket_open_when_it_cannot_start)
{
	struct http_options options = { .loop = uv_default_loop(), .max_connections = 1 };
	struct http_server *server = NULL;
	struct reason why = { .text = "" };
	struct rlimit limit;
	struct rlimit low;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	options.listener = http_listen("127.0.0.1", 0, false, &why);
	cr_assert_gt(options.listener, 0);
	low = limit;
	low.rlim_cur = (rlim_t)options.listener + 1;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	cr_expect_eq(http_server_open(&options, &server, &why), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(close(options.listener), 0);
	uv_loop_close(uv_default_loop());
}

/* Workers of one service listen on the same port. */
Test(server, shares_its_port_with_another)
{
	struct http_options options = { .max_connections = 1 };
	struct http_server *second = NULL;
	struct reason why = { .text = "" };

	rig_open(&rig, (struct http_options){ 0 });
	options.loop = &rig.loop;
	options.host = "127.0.0.1";
	options.port = http_server_port(rig.server);
	cr_assert_eq(http_server_open(&options, &second, &why), 0, "%s", why.text);
	cr_expect_eq(http_server_port(second), http_server_port(rig.server));
	http_server_close(second, NULL, NULL);
	rig_close(&rig);
}
