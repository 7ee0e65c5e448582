/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Something on a Unix socket or a port that greets like Redis, or not even that, and then answers
 * everything with the same words. One guest at a time, on the test's own loop.
 */
#ifndef TESTS_SUPPORT_LIAR_H
#define TESTS_SUPPORT_LIAR_H

#include <stdbool.h>
#include <uv.h>

/* To CLIENT SETNAME, INFO, ROLE and PING. */
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

/* What it says to words that contain these. */
struct liar_lie {
	const char *to;
	const char *answer;
	int told;
};

struct liar {
	union liar_socket listener;
	struct liar_guest guests[LIAR_GUESTS];
	const char *greeting; /* what it says to the PING of a new connection */
	const char *then;     /* and to all later words; NULL: nothing */
	/* Looked through before `then`; ends with an empty one. May be NULL. */
	struct liar_lie *lies;
	int answers;    /* given after greetings */
	char path[100]; /* empty where it is a port */
	int port;       /* of 127.0.0.1 */
	char space[4096];
};

void liar_start(struct liar *liar, uv_loop_t *loop, const char *greeting, const char *then);
/* The same on a port. */
void liar_start_on_port(struct liar *liar, uv_loop_t *loop, const char *greeting, const char *then);
void liar_stop(struct liar *liar);

#endif
