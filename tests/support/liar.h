/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A server on a Unix socket or a port that may greet like Redis, and then gives every command the
 * same answer. It serves one client at a time, on the test's own loop.
 */
#ifndef TESTS_SUPPORT_LIAR_H
#define TESTS_SUPPORT_LIAR_H

#include <stdbool.h>
#include <uv.h>

/* Answers to CLIENT SETNAME, INFO, ROLE and PING. */
#define LIAR_GOOD_GREETING "+OK\r\n-NOPERM\r\n-NOPERM\r\n+PONG\r\n"
#define LIAR_GUESTS        4

struct liar;

union liar_socket {
	uv_handle_t handle;
	uv_stream_t stream;
	uv_pipe_t pipe;
	uv_tcp_t tcp;
};

struct liar_guest {
	struct liar *liar;
	union liar_socket socket;
	bool is_here;
	bool greeted;
};

/* The answer to commands that contain this text. */
struct liar_lie {
	const char *to;
	const char *answer;
	int told;
};

struct liar {
	union liar_socket listener;
	struct liar_guest guests[LIAR_GUESTS];
	const char *greeting; /* the answer to the PING of a new connection */
	const char *then;     /* the answer to all later commands; NULL: none */
	/* Searched before `then`. The list ends with an empty entry. May be NULL. */
	struct liar_lie *lies;
	int answers;    /* number of answers after greetings */
	char path[100]; /* empty if it listens on a port */
	int port;       /* of 127.0.0.1 */
	char space[4096];
};

void liar_start(struct liar *liar, uv_loop_t *loop, const char *greeting, const char *then);
/* The same, on a port. */
void liar_start_on_port(struct liar *liar, uv_loop_t *loop, const char *greeting, const char *then);
void liar_stop(struct liar *liar);

#endif
