/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A private redis-server of one test. It listens on a Unix socket in TEST_DIR. It dies with the
 * test even after a crash, because the kernel sends it a signal when its parent dies.
 */
#include "tests/support/redis_server.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/patience.h"

#define ARGUMENTS_MAX 48
#define FIRST_PORT    12000 /* below the ephemeral ones */
#define PORTS         8000

static void run_server(const struct redis_server *server, int said)
{
	const char *argv[ARGUMENTS_MAX] = {
		"redis-server",
		"--port",
		"0",
		"--unixsocket",
		server->socket,
		"--save",
		"",
		"--appendonly",
		"no",
		"--dir",
		getenv("TEST_DIR"),
		"--requirepass",
		server->password ? server->password : "",
	};
	size_t argc = 13;

	for (const char *const *more = server->arguments; more && *more && argc < ARGUMENTS_MAX - 1;
	     more++)
		argv[argc++] = *more;
	if (server->config[0]) {
		argv[1] = server->config;
		argv[2] = "--sentinel";
		argv[3] = NULL;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(said, STDOUT_FILENO);
	execvp("redis-server", (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Its log shows when it listens. Redis keeps running when nobody reads the rest. */
static void await_readiness(int said)
{
	char line[512];
	FILE *log = fdopen(said, "r");
	bool ready = false;

	cr_assert(log);
	while (!ready && fgets(line, sizeof(line), log))
		ready = strstr(line, "eady to accept connections") || strstr(line, "+monitor");
	fclose(log);
	cr_assert(ready, "redis-server ended");
}

static void log_in(struct redis_server *server)
{
	redisReply *reply;

	server->control = redisConnectUnix(server->socket);
	cr_assert(server->control);
	cr_assert_eq(server->control->err, 0, "%s", server->control->errstr);
	if (!server->password)
		return;
	reply = redisCommand(server->control, "AUTH %s", server->password);
	cr_assert(reply && reply->type == REDIS_REPLY_STATUS);
	freeReplyObject(reply);
}

static void launch(struct redis_server *server)
{
	int said[2];

	unlink(server->socket);
	cr_assert_eq(pipe2(said, O_CLOEXEC), 0);
	server->pid = fork();
	cr_assert_geq(server->pid, 0);
	if (server->pid == 0)
		run_server(server, said[1]);
	close(said[1]);
	await_readiness(said[0]);
	log_in(server);
}

void redis_server_start(struct redis_server *server, const char *password)
{
	redis_server_start_with(server, password, NULL);
}

void redis_server_start_with(struct redis_server *server, const char *password,
			     const char *const *arguments)
{
	static int count;
	const char *dir = getenv("TEST_DIR");

	cr_assert(dir, "TEST_DIR is not set; use make unit-<folder>");
	*server = (struct redis_server){ .password = password, .arguments = arguments };
	snprintf(server->socket, sizeof(server->socket), "%s/redis-%d-%d.sock", dir, (int)getpid(),
		 count++);
	launch(server);
}

/* A port that is free now. If another program takes it, the sentinel ends and the test fails. */
static int find_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

void redis_server_start_sentinel(struct redis_server *server, const char *password,
				 int watched_port, const char *tls, int *out_port)
{
	static int count;
	const char *dir = getenv("TEST_DIR");
	FILE *config;

	*server = (struct redis_server){ .password = password };
	*out_port = find_port();
	snprintf(server->config, sizeof(server->config), "%s/sentinel-%d-%d.conf", dir,
		 (int)getpid(), count);
	snprintf(server->socket, sizeof(server->socket), "%s/sentinel-%d-%d.sock", dir,
		 (int)getpid(), count++);
	config = fopen(server->config, "we");
	cr_assert(config);
	fprintf(config,
		"%s %d\n%sunixsocket %s\ndir %s\nrequirepass %s\n"
		"sentinel monitor events 127.0.0.1 %d 1\n"
		"sentinel down-after-milliseconds events 500\n"
		"sentinel failover-timeout events 3000\n",
		tls ? "port 0\ntls-replication yes\ntls-port" : "port", *out_port, tls ? tls : "",
		server->socket, dir, password, watched_port);
	cr_assert_eq(fclose(config), 0);
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

int redis_server_listen(struct redis_server *server, const char *setting)
{
	static int port;
	bool listens = false;

	if (port == 0)
		port = FIRST_PORT + (int)(getpid() % PORTS);
	for (int tries = 0; !listens && tries < PORTS; tries++) {
		redisReply *reply;

		port = port < FIRST_PORT + PORTS ? port + 1 : FIRST_PORT;
		reply = redis_server_ask(server, "CONFIG SET %s %d", setting, port);
		listens = reply->type == REDIS_REPLY_STATUS;
		freeReplyObject(reply);
	}
	cr_assert(listens, "no port for %s", setting);
	return port;
}

/* ---- the loop -------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *timer)
{
	(*(int *)timer->data)++;
}

static void close_timer(uv_loop_t *loop, uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, NULL);
	uv_run(loop, UV_RUN_NOWAIT); /* the next turn closes the timer */
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
		cr_assert_lt(uv_hrtime() / 1000000, end_ms, "timed out waiting for: %s", what);
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
