/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A redis-server or a sentinel of a test's own, to be killed, restarted and emptied at will, and
 * a way to run a loop until something has happened. Whatever goes wrong here fails the test.
 */
#ifndef TESTS_SUPPORT_REDIS_SERVER_H
#define TESTS_SUPPORT_REDIS_SERVER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

struct redis_server {
	pid_t pid; /* 0: not running */
	char socket[100];
	const char *password;         /* NULL: none */
	const char *const *arguments; /* more of them, NULL behind the last; NULL: none */
	char config[120];             /* of a sentinel, which writes into it; else empty */
	redisContext *control;
};

/* Returns when it answers. It keeps nothing on disk: a restarted one is empty. */
void redis_server_start(struct redis_server *server, const char *password);
/* The same with further arguments of redis-server; NULL behind the last one. They must outlive
 * the server. */
void redis_server_start_with(struct redis_server *server, const char *password,
			     const char *const *arguments);
/* Has it listen on a free port of 127.0.0.1, too, which is returned. `setting` is "port" or
 * "tls-port". A restart forgets it. */
int redis_server_listen(struct redis_server *server, const char *setting);
/* A sentinel that watches the server at that port of 127.0.0.1 under the name "events", decides
 * alone and soon, and wants `password`. It listens on the port in *out_port, with TLS when `tls`
 * has the lines of its configuration for that (NULL: plain). */
void redis_server_start_sentinel(struct redis_server *server, const char *password,
				 int watched_port, const char *tls, int *out_port);
void redis_server_kill(struct redis_server *server); /* SIGKILL */
void redis_server_restart(struct redis_server *server);
void redis_server_stop(struct redis_server *server);

/* One command, as redisCommand() takes it. The reply is the caller's. */
redisReply *redis_server_ask(struct redis_server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same, where only the number matters (-1 for an answer of another type). */
long long redis_server_number(struct redis_server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same, where the answer does not matter as long as it is no error. */
void redis_server_do(struct redis_server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Runs the loop until `condition` holds; fails the test when it does not within 30 s. */
void run_until(uv_loop_t *loop, bool (*condition)(void *owner), void *owner, const char *what);

/* Runs the loop for a number of turns, for what must not happen. Each turn waits 1 ms at most. */
void run_turns(uv_loop_t *loop, int turns);

#endif
