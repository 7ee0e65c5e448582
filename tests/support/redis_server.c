/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A redis-server of a test's own. It listens on a Unix socket in TEST_DIR and dies with the test,
 * even when that crashes, because it asks the kernel for a signal at its parent's death.
 */
#include "tests/support/redis_server.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 30000

static void run_server(const struct redis_server *server)
{
	const char *dir = getenv("TEST_DIR");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", server->socket,
	       "--save", "", "--appendonly", "no", "--logfile", "/dev/null", "--dir", dir,
	       "--requirepass", server->password ? server->password : "", (char *)NULL);
	_exit(127);
}

static bool log_in(struct redis_server *server)
{
	redisReply *reply;
	bool good;

	server->control = redisConnectUnix(server->socket);
	cr_assert(server->control);
	if (server->control->err)
		return false;
	reply = server->password ? redisCommand(server->control, "AUTH %s", server->password)
				 : redisCommand(server->control, "PING");
	good = reply && reply->type == REDIS_REPLY_STATUS;
	if (reply)
		freeReplyObject(reply);
	return good;
}

static void launch(struct redis_server *server)
{
	unlink(server->socket);
	server->pid = fork();
	cr_assert_geq(server->pid, 0);
	if (server->pid == 0)
		run_server(server);
	for (int waited_ms = 0; !log_in(server); waited_ms += 5) {
		redisFree(server->control);
		server->control = NULL;
		cr_assert_eq(waitpid(server->pid, NULL, WNOHANG), 0, "redis-server ended");
		cr_assert_lt(waited_ms, PATIENCE_MS, "redis-server does not answer");
		usleep(5000);
	}
}

void redis_server_start(struct redis_server *server, const char *password)
{
	static int count;
	const char *dir = getenv("TEST_DIR");

	cr_assert(dir, "TEST_DIR is not set; use make unit-<folder>");
	*server = (struct redis_server){ .password = password };
	snprintf(server->socket, sizeof(server->socket), "%s/redis-%d-%d.sock", dir, (int)getpid(),
		 count++);
	launch(server);
}

void redis_server_kill(struct redis_server *server)
{
	redisFree(server->control);
	server->control = NULL;
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

void redis_server_restart(struct redis_server *server)
{
	if (server->pid)
		redis_server_kill(server);
	launch(server);
}

void redis_server_stop(struct redis_server *server)
{
	if (server->pid)
		redis_server_kill(server);
	unlink(server->socket);
}

static redisReply *ask(struct redis_server *server, const char *format, va_list args)
{
	redisReply *reply = redisvCommand(server->control, format, args);

	cr_assert(reply, "redis-server is gone: %s", server->control->errstr);
	return reply;
}

redisReply *redis_server_ask(struct redis_server *server, const char *format, ...)
{
	redisReply *reply;
	va_list args;

	va_start(args, format);
	reply = ask(server, format, args);
	va_end(args);
	return reply;
}

long long redis_server_number(struct redis_server *server, const char *format, ...)
{
	redisReply *reply;
	long long number;
	va_list args;

	va_start(args, format);
	reply = ask(server, format, args);
	va_end(args);
	number = reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1;
	freeReplyObject(reply);
	return number;
}

void redis_server_do(struct redis_server *server, const char *format, ...)
{
	redisReply *reply;
	va_list args;

	va_start(args, format);
	reply = ask(server, format, args);
	va_end(args);
	cr_assert_neq(reply->type, REDIS_REPLY_ERROR, "%s: %s", format, reply->str);
	freeReplyObject(reply);
}

/* ---- the loop -------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *timer)
{
	(*(int *)timer->data)++;
}

static void close_timer(uv_loop_t *loop, uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, NULL);
	uv_run(loop, UV_RUN_NOWAIT); /* the end of this turn lets go of the timer */
}

void run_until(uv_loop_t *loop, bool (*condition)(void *owner), void *owner, const char *what)
{
	uint64_t end_ms = uv_hrtime() / 1000000 + PATIENCE_MS;
	uv_timer_t timer;
	int ticks = 0;

	uv_timer_init(loop, &timer);
	timer.data = &ticks;
	uv_timer_start(&timer, on_tick, 2, 2);
	while (!condition(owner)) {
		cr_assert_lt(uv_hrtime() / 1000000, end_ms, "in vain waited for: %s", what);
		uv_run(loop, UV_RUN_ONCE);
	}
	close_timer(loop, &timer);
}

void run_turns(uv_loop_t *loop, int turns)
{
	uv_timer_t timer;
	int ticks = 0;

	uv_timer_init(loop, &timer);
	timer.data = &ticks;
	uv_timer_start(&timer, on_tick, 1, 1);
	while (ticks < turns)
		uv_run(loop, UV_RUN_ONCE);
	close_timer(loop, &timer);
}
