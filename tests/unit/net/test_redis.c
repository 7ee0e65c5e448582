/* SPDX-License-Identifier: Apache-2.0 */

/* The connection to Redis: its life over a real server's death, and its manners towards a server
 * that lies. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/buf.h"
#include "net/net.h"
#include "tests/support/liar.h"
#include "tests/support/redis_server.h"
#include "tests/unit/net/redis_fixture.h"

/* ---- a real server ----------------------------------------------------------------------- */

Test(redis, answers_pipelined_commands_in_order)
{
	struct fixture f;
	char text[16];

	open_on_socket(&f, getenv("TEST_REDIS_SOCKET"));
	cr_expect_not(redis_is_up(f.redis));
	wait_for(&f, is_up, 1, "the connection");
	cr_expect(redis_is_up(f.redis));
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "%d", i);
		send_ok(&f, "ECHO", text);
	}
	cr_expect_eq(f.replies, 0, "never from within the call");
	wait_for(&f, all_answered, 500, "the answers");
	cr_expect_str_eq(f.last, "499");
	cr_expect_eq(f.losses, 0);
	close_fixture(&f);
	cr_expect_eq(f.downs, 0, "closing is no loss");
}

Test(redis, hands_errors_over_as_replies)
{
	struct fixture f;

	open_on_socket(&f, getenv("TEST_REDIS_SOCKET"));
	wait_for(&f, is_up, 1, "the connection");
	send_ok(&f, "NOSUCHCOMMAND", "x");
	wait_for(&f, all_answered, 1, "the answer");
	cr_expect_eq(strncmp(f.last, "ERR", 3), 0, "%s", f.last);
	cr_expect(redis_is_up(f.redis));
	close_fixture(&f);
}

Test(redis, carries_any_bytes)
{
	struct fixture f;
	const struct str argv[] = { STR("ECHO"), { "a\r\n$1\r\n*", 8 } };

	open_on_socket(&f, getenv("TEST_REDIS_SOCKET"));
	wait_for(&f, is_up, 1, "the connection");
	cr_assert_eq(redis_send(f.redis, 10000, on_reply, &f, 2, argv), 0);
	wait_for(&f, all_answered, 1, "the answer");
	cr_expect_str_eq(f.last, "a\r\n$1\r\n*");
	close_fixture(&f);
}

Test(redis, refuses_to_send_while_it_is_away)
{
	struct fixture f;

	open_on_socket(&f, "/nonexistent/redis.sock");
	cr_expect_eq(redis_send_text(f.redis, 1000, on_reply, &f, "PING", NULL), -ENOTCONN);
	cr_expect_eq(redis_subscribe(f.redis, "c", on_message, &f), -ENOTCONN);
	wait_for(&f, is_down, 1, "the news of it");
	run_turns(&f.loop, 300); /* several further tries */
	cr_expect_eq(f.downs, 1, "once per loss");
	cr_expect_eq(redis_send_text(f.redis, 1000, on_reply, &f, "PING", NULL), -ENOTCONN);
	close_fixture(&f);
	cr_expect_eq(f.replies + f.losses, 0);
}

Test(redis, comes_back_after_the_server_died_and_tells_every_waiting_command)
{
	struct redis_server server;
	struct fixture f;

	redis_server_start(&server, NULL);
	open_on_socket(&f, server.socket);
	wait_for(&f, is_up, 1, "the connection");
	for (int i = 0; i < 20; i++)
		cr_assert_eq(redis_send_text(f.redis, 60000, on_reply, &f, "BLPOP", "q", "0", NULL),
			     0);
	run_turns(&f.loop, 3);
	redis_server_kill(&server);
	wait_for(&f, is_down, 1, "the loss");
	cr_expect_eq(f.losses, 20);
	cr_expect_eq(f.replies, 0);
	redis_server_restart(&server);
	wait_for(&f, is_up, 2, "the return");
	send_ok(&f, "ECHO", "again");
	wait_for(&f, all_answered, 21, "the answer");
	cr_expect_str_eq(f.last, "again");
	cr_expect_eq(f.downs, 1);
	close_fixture(&f);
	redis_server_stop(&server);
}

Test(redis, waits_for_a_server_that_starts_late)
{
	struct redis_server server;
	struct fixture f;

	redis_server_start(&server, NULL);
	redis_server_kill(&server);
	open_on_socket(&f, server.socket);
	wait_for(&f, is_down, 1, "the first refusal");
	redis_server_restart(&server);
	wait_for(&f, is_up, 1, "the connection");
	close_fixture(&f);
	redis_server_stop(&server);
}

Test(redis, drops_the_connection_when_a_reply_is_overdue)
{
	struct fixture f;

	open_on_socket(&f, getenv("TEST_REDIS_SOCKET"));
	wait_for(&f, is_up, 1, "the connection");
	/* The second is the less patient one and waits after the first. */
	cr_assert_eq(redis_send_text(f.redis, 60000, on_reply, &f, "BLPOP", "never", "0", NULL), 0);
	cr_assert_eq(redis_send_text(f.redis, 20, on_reply, &f, "PING", NULL), 0);
	wait_for(&f, is_down, 1, "the loss");
	cr_expect_eq(f.losses, 2);
	wait_for(&f, is_up, 2, "the return");
	close_fixture(&f);
}

Test(redis, is_dropped_by_an_owner_who_got_nonsense_on_a_later_turn)
{
	struct fixture f;

	open_on_socket(&f, getenv("TEST_REDIS_SOCKET"));
	wait_for(&f, is_up, 1, "the connection");
	send_ok(&f, "ECHO", "x");
	redis_fail(f.redis, "a test");
	redis_fail(f.redis, "twice");
	cr_expect_eq(f.losses + f.downs, 0, "never from within the call");
	cr_expect_eq(redis_send_text(f.redis, 1000, on_reply, &f, "PING", NULL), -ENOTCONN);
	wait_for(&f, is_down, 1, "the loss");
	cr_expect_eq(f.losses, 1);
	wait_for(&f, is_up, 2, "the return");
	close_fixture(&f);
}

static void close_at_once(struct fixture *f)
{
	if (f->losses == 1 && f->replies == 0)
		redis_close(f->redis, on_closed, f);
}

Test(redis, may_be_closed_by_the_callback_of_a_lost_command)
{
	struct fixture f;

	open_on_socket(&f, getenv("TEST_REDIS_SOCKET"));
	wait_for(&f, is_up, 1, "the connection");
	for (int i = 0; i < 3; i++)
		send_ok(&f, "ECHO", "x");
	f.react = close_at_once;
	redis_fail(f.redis, "a test");
	wait_for(&f, is_closed, 0, "the end");
	cr_expect_eq(f.losses, 3);
	cr_expect_eq(f.downs, 0);
	end_fixture(&f);
}

Test(redis, tells_waiting_commands_when_it_is_closed)
{
	struct fixture f;

	open_on_socket(&f, getenv("TEST_REDIS_SOCKET"));
	wait_for(&f, is_up, 1, "the connection");
	send_ok(&f, "ECHO", "x");
	send_ok(&f, "ECHO", "y");
	close_fixture(&f);
	cr_expect_eq(f.losses, 2);
}

Test(redis, bounds_the_commands_that_wait)
{
	struct fixture f;

	open_on_socket(&f, getenv("TEST_REDIS_SOCKET"));
	wait_for(&f, is_up, 1, "the connection");
	for (int i = 0; i < 10000; i++)
		send_ok(&f, "ECHO", "x");
	cr_expect_eq(redis_send_text(f.redis, 1000, on_reply, &f, "PING", NULL), -ENOBUFS);
	wait_for(&f, all_answered, 10000, "the answers");
	cr_expect_eq(f.losses, 0);
	cr_expect_eq(redis_send_text(f.redis, 10000, on_reply, &f, "PING", NULL), 0);
	close_fixture(&f);
}

Test(redis, closes_at_any_moment)
{
	for (int turns = 0; turns < 12; turns++) {
		struct fixture f;

		open_on_socket(&f, getenv("TEST_REDIS_SOCKET"));
		for (int i = 0; i < turns; i++)
			uv_run(&f.loop, UV_RUN_NOWAIT);
		close_fixture(&f);
		open_at(&f, "redis://localhost:1");
		for (int i = 0; i < turns; i++)
			uv_run(&f.loop, UV_RUN_NOWAIT);
		close_fixture(&f);
	}
	redis_close(NULL, NULL, NULL);
}

static void count_closed(void *owner)
{
	++*(int *)owner;
}

Test(redis, closing_null_calls_back_at_once)
{
	int closed = 0;

	redis_close(NULL, count_closed, &closed);
	cr_expect_eq(closed, 1);
	redis_sentinel_close(NULL, count_closed, &closed);
	cr_expect_eq(closed, 2);
	redis_master_close(NULL, count_closed, &closed);
	cr_expect_eq(closed, 3);
}

Test(redis, is_down_when_the_name_does_not_exist)
{
	struct fixture f;

	open_at(&f, "redis://no.such.host.invalid");
	wait_for(&f, is_down, 1, "the news of it");
	close_fixture(&f);
}

Test(redis, logs_in_and_selects_the_database)
{
	struct redis_server server;
	struct fixture f;
	char url[160];

	redis_server_start(&server, "geheim");
	open_on_socket(&f, server.socket);
	wait_for(&f, is_down, 1, "the refusal without a password");
	close_fixture(&f);

	open_on_socket(&f, server.socket);
	cr_assert_eq(secret_set(&f.address.password, STR("falsch")), 0);
	wait_for(&f, is_down, 1, "the refusal of a wrong password");
	secret_done(&f.address.password);
	cr_assert_eq(secret_set(&f.address.password, STR("geheim")), 0);
	wait_for(&f, is_up, 1, "the connection");
	close_fixture(&f);

	snprintf(url, sizeof(url), "unix://%s?db=9", server.socket);
	open_at(&f, url);
	cr_assert_eq(secret_set(&f.address.password, STR("geheim")), 0);
	wait_for(&f, is_up, 1, "the connection");
	cr_assert_eq(redis_send_text(f.redis, 10000, on_reply, &f, "SET", "here", "1", NULL), 0);
	wait_for(&f, all_answered, 1, "the answer");
	redis_server_do(&server, "SELECT 9");
	cr_expect_eq(redis_server_number(&server, "EXISTS here"), 1);
	close_fixture(&f);
	redis_server_stop(&server);
}

Test(redis, is_down_while_the_database_number_does_not_exist)
{
	struct fixture f;
	char url[160];

	snprintf(url, sizeof(url), "unix://%s?db=999", getenv("TEST_REDIS_SOCKET"));
	open_at(&f, url);
	wait_for(&f, is_down, 1, "the refusal");
	cr_expect_eq(f.ups, 0);
	close_fixture(&f);
}

Test(redis, hears_messages_again_after_subscribing_again)
{
	struct redis_server server;
	struct fixture f;

	redis_server_start(&server, NULL);
	open_on_socket(&f, server.socket);
	for (int round = 1; round <= 2; round++) {
		wait_for(&f, is_up, round, "the connection");
		cr_assert_eq(redis_subscribe(f.redis, "c", on_message, &f), 0);
		cr_expect_eq(redis_send_text(f.redis, 1000, on_reply, &f, "PING", NULL), -ENOTCONN);
		while (redis_server_number(&server, "PUBLISH c hello") == 0)
			run_turns(&f.loop, 1);
		wait_for(&f, has_messages, round, "the message");
		cr_expect_str_eq(f.last, "hello");
		redis_server_do(&server, "CLIENT KILL TYPE pubsub");
		wait_for(&f, is_down, round, "the loss");
	}
	close_fixture(&f);
	redis_server_stop(&server);
}

/* The waiting command comes from the owner, or is the ROLE query that each connection repeats. */
Test(redis, hears_messages_although_a_command_waited_when_it_subscribed)
{
	struct redis_server server;
	struct fixture f;

	redis_server_start(&server, NULL);
	open_on_socket(&f, server.socket);
	wait_for(&f, is_up, 1, "the connection");
	send_ok(&f, "ECHO", "before");
	cr_assert_eq(redis_subscribe(f.redis, "c", on_message, &f), 0);
	wait_for(&f, all_answered, 1, "the answer");
	cr_expect_str_eq(f.last, "before");
	while (redis_server_number(&server, "PUBLISH c hello") == 0)
		run_turns(&f.loop, 1);
	wait_for(&f, has_messages, 1, "the message");
	cr_expect_str_eq(f.last, "hello");
	cr_expect_eq(f.downs, 0);
	close_fixture(&f);
	redis_server_stop(&server);
}

/* ---- a server that lies -------------------------------------------------------------------- */

static void meet_liar(struct fixture *f, struct liar *liar, const char *greeting, const char *then)
{
	*f = (struct fixture){ 0 };
	cr_assert_eq(uv_loop_init(&f->loop), 0);
	liar_start(liar, &f->loop, greeting, then);
	connect_to_socket(f, liar->path);
}

static void leave_liar(struct fixture *f, struct liar *liar)
{
	liar_stop(liar);
	close_fixture(f);
}

Test(redis, survives_a_server_that_greets_with_nonsense)
{
	static const char *const greetings[] = {
		"HTTP/1.1 400 Bad Request\r\n\r\n",
		"\r\n\r\n\r\n",
		"+OK\r\n-LOADING Redis is loading the dataset in memory\r\n",
		"+OK\r\n-NOAUTH Authentication required.\r\n",
		"*99999999999999999999\r\n",
		"$-7\r\n",
		"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
		":\r\n",
		":999999999999999999999999\r\n",
		"+OK\r\n+x\r\n*1\r\n$5\r\nslave\r\n+PONG\r\n",
		"+OK\r\n+x\r\n*3\r\n$5\r\nslave\r\n:1\r\n*0\r\n+PONG\r\n",
		"+OK\r\n+x\r\n*1\r\n$0\r\n\r\n+PONG\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(greetings); i++) {
		struct fixture f;
		struct liar liar;

		meet_liar(&f, &liar, greetings[i], NULL);
		wait_for(&f, is_down, 1, greetings[i]);
		cr_expect_eq(f.ups, 0, "%s", greetings[i]);
		leave_liar(&f, &liar);
	}
}

Test(redis, knows_the_alert_of_a_server_that_wants_tls)
{
	struct fixture f;
	struct liar liar;

	meet_liar(&f, &liar, "\x15\x03\x03\x01\x02\x02\x46", NULL);
	wait_for(&f, is_down, 1, "the refusal");
	cr_expect_neq(strstr(redis_fault(f.redis), "rediss://"), NULL, "%s", redis_fault(f.redis));
	leave_liar(&f, &liar);
}

Test(redis, survives_a_server_that_answers_with_nonsense)
{
	static const char *const answers[] = {
		"nonsense\r\n",
		"+one\r\n+and one nobody asked for\r\n",
		"*2\r\n$3\r\nabc\r\n$-9\r\n",
		"-LOADING again\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct fixture f;
		struct liar liar;

		meet_liar(&f, &liar, LIAR_GOOD_GREETING, answers[i]);
		wait_for(&f, is_up, 1, "the greeting");
		send_ok(&f, "GET", "x");
		wait_for(&f, is_down, 1, answers[i]);
		cr_expect_eq(f.replies + f.losses, 1, "%s: exactly one callback", answers[i]);
		leave_liar(&f, &liar);
	}
}

Test(redis, survives_a_channel_that_carries_nonsense)
{
	static const char *const answers[] = {
		"+OK\r\n",
		"*0\r\n",
		"*-1\r\n",
		"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n:5\r\n",
		"*2\r\n$7\r\nmessage\r\n$1\r\nc\r\n",
		"*3\r\n:1\r\n:2\r\n:3\r\n",
		"-NOPERM no\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct fixture f;
		struct liar liar;

		meet_liar(&f, &liar, LIAR_GOOD_GREETING, answers[i]);
		wait_for(&f, is_up, 1, "the greeting");
		cr_assert_eq(redis_subscribe(f.redis, "c", on_message, &f), 0);
		wait_for(&f, is_down, 1, answers[i]);
		cr_expect_eq(f.messages, 0, "%s", answers[i]);
		leave_liar(&f, &liar);
	}
}
