/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A destination for tests: an HTTP/1.1 server on a loopback port, on threads of its own, that
 * records what it gets and answers what the test says.
 */
#ifndef TESTS_SUPPORT_RECEIVER_H
#define TESTS_SUPPORT_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/str.h"

struct receiver;
struct ssl_ctx_st;

/* One request as it came; text dies with the receiver. */
struct received {
	unsigned connection; /* 1 for the first accepted */
	char *method;
	char *target;
	char *head; /* the header lines */
	char *body;
	size_t body_len;
};

/* Writes the raw answer (status line and all). Nothing written: the connection is closed without an
 * answer; RECEIVER_CLOSE: it is closed behind the answer; RECEIVER_HOLD: it is kept open without
 * one until the receiver stops. Called on a thread of the receiver, one call at a time. */
enum receiver_reply { RECEIVER_ANSWER, RECEIVER_CLOSE, RECEIVER_HOLD };
typedef enum receiver_reply (*receiver_fn)(const struct received *request, struct buf *out,
					   void *arg);

/* What is done with the TLS context of the receivers that start from now on; NULL: nothing. */
extern void (*receiver_tune_tls)(struct ssl_ctx_st *context);

/* Answers 200 to all when `answer` is NULL. With certificate and key (files) it speaks TLS. */
struct receiver *receiver_start(receiver_fn answer, void *arg, const char *certificate,
				const char *key);
void receiver_stop(struct receiver *receiver);

int receiver_port(const struct receiver *receiver);
unsigned receiver_count(struct receiver *receiver);
unsigned receiver_connections(struct receiver *receiver);
/* The n-th request, from 0; NULL when there is none yet. */
const struct received *receiver_get(struct receiver *receiver, unsigned n);
/* A header's value of a request, or the empty slice. */
struct str received_header(const struct received *request, const char *name);

/* Appends a whole answer with a Content-Length. `headers` are further lines or "". */
void receiver_answer(struct buf *out, int status, const char *headers, struct str body);
/* The same with the body "said by the destination". */
void receiver_answer_status(struct buf *out, int status);

#endif
