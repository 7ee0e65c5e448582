/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A destination for tests: an HTTP/1.1 server on a loopback port, with threads of its own. It
 * records requests and answers as the test says.
 */
#ifndef TESTS_SUPPORT_RECEIVER_H
#define TESTS_SUPPORT_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/str.h"

struct receiver;
struct ssl_ctx_st;

/* One request as received. Its text is freed with the receiver. */
struct received {
	unsigned connection; /* 1 for the first accepted one */
	char *method;
	char *target;
	char *head; /* the header lines */
	char *body;
	size_t body_len;
};

/* Writes the raw answer, from the status line on. If it writes nothing, the connection closes
 * without an answer. RECEIVER_CLOSE closes it after the answer. RECEIVER_HOLD keeps it open without
 * an answer until the receiver stops. Runs on a thread of the receiver, one call at a time. */
enum receiver_reply { RECEIVER_ANSWER, RECEIVER_CLOSE, RECEIVER_HOLD };
typedef enum receiver_reply (*receiver_fn)(const struct received *request, struct buf *out,
					   void *arg);

/* Runs on the TLS context of every receiver that starts after this. NULL: nothing runs. */
extern void (*receiver_tune_tls)(struct ssl_ctx_st *context);

/* Answers 200 to everything if `answer` is NULL. With files for certificate and key it uses TLS. */
struct receiver *receiver_start(receiver_fn answer, void *arg, const char *certificate,
				const char *key);
void receiver_stop(struct receiver *receiver);

int receiver_port(const struct receiver *receiver);
unsigned receiver_count(struct receiver *receiver);
unsigned receiver_connections(struct receiver *receiver);
/* Returns the n-th request, from 0, or NULL if it has not arrived. */
const struct received *receiver_get(struct receiver *receiver, unsigned n);
/* Returns the value of a request's header, or an empty slice. */
struct str received_header(const struct received *request, const char *name);

/* Appends a complete answer with a Content-Length. `headers` has further lines, or is "". */
void receiver_answer(struct buf *out, int status, const char *headers, struct str body);
/* The same with the body "said by the destination". */
void receiver_answer_status(struct buf *out, int status);

#endif
