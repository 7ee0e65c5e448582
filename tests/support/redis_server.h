/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A private redis-server or sentinel that a test may kill, restart and empty, and a way to run a
 * loop until a condition holds. Any failure here fails the test.
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
	const char *const *arguments; /* further ones, NULL after the last; NULL: none */
	char config[120];             /* the file that a sentinel rewrites; else empty */
	redisContext *control;
};

/* Returns once it answers. It stores nothing on disk, so it is empty after a restart. */
void redis_server_start(struct redis_server *server, const char *password);
/* The same with further arguments of redis-server, NULL after the last one. They must outlive the
 * server. */
void redis_server_start_with(struct redis_server *server, const char *password,
			     const char *const *arguments);
/* Makes it also listen on a free port of 127.0.0.1 and returns the port. `setting` is "port" or
 * "tls-port". A restart forgets the port. */
int redis_server_listen(struct redis_server *server, const char *setting);
/* Starts a sentinel that watches the server on that port of 127.0.0.1 under the name "events". It
 * decides alone and quickly, and requires `password`. It listens on *out_port, with TLS if `tls`
 * has its configuration lines for that (NULL: without). */
void redis_server_start_sentinel(struct redis_server *server, const char *password,
				 int watched_port, const char *tls, int *out_port);
void redis_server_kill(struct redis_server *server); /* SIGKILL */
void redis_server_restart(struct redis_server *server);
void redis_server_stop(struct redis_server *server);

/* Sends one command, as redisCommand() does. The caller frees the reply. */
redisReply *redis_server_ask(struct redis_server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same, but returns the number of the reply, or -1 for other types. */
long long redis_server_number(struct redis_server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same for any reply except an error. */
void redis_server_do(struct redis_server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Runs the loop until `condition` holds. Fails the test after 30 s. */
void run_until(uv_loop_t *loop, bool (*condition)(void *owner), void *owner, const char *what);

/* Runs a number of turns of the loop, to show that nothing happens. Each waits at most 1 ms. */
void run_turns(uv_loop_t *loop, int turns);

#endif
