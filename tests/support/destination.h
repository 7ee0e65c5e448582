/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a rig's receiver answers: as a destination in one state, or by a script. Pass the function as
 * `answer` and the struct as `arg`.
 */
#ifndef TESTS_SUPPORT_DESTINATION_H
#define TESTS_SUPPORT_DESTINATION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "tests/support/receiver.h"

/* The state of a destination. A test may change what is atomic while requests come. */
struct destination {
	/* Requests without this text in target or body get 200. NULL: all get the status. */
	const char *only;
	atomic_int status;
	atomic_bool is_held; /* requests hang */
	const char *headers; /* NULL: none */
	const char *body;    /* NULL: "said by the destination" */
};

enum receiver_reply destination_answer(const struct received *request, struct buf *out, void *arg);

struct reply {
	int status;
	const char *headers; /* NULL: none */
	const char *body;    /* NULL: "said by the destination" */
};

/* Sends the replies in turn and repeats the last one. The list ends with status 0. */
struct script {
	const struct reply *replies;
	atomic_uint next;
};

/* For a struct script. */
#define REPLIES(...)                      \
	.replies = (const struct reply[]) \
	{                                 \
		__VA_ARGS__,              \
		{                         \
			.status = 0       \
		}                         \
	}

enum receiver_reply script_answer(const struct received *request, struct buf *out, void *arg);

#endif
