/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One outgoing HTTP request and its answer as plain data. providers/ builds the request and judges
 * the answer; net/ sends and receives. Neither depends on the other.
 */
#ifndef CORE_EXCHANGE_H
#define CORE_EXCHANGE_H

#include <stdint.h>

#include "core/buf.h"
#include "core/str.h"

#define OUTGOING_MAX_HEADERS 16
#define OUTGOING_MAX_BODY    1048576
#define ANSWER_MAX_BODY      65536 /* bytes of the body that are read; a longer body is a fault */

/* Filled by a provider; every text lives in `text` or outlives the request. */
struct outgoing {
	const char *method;
	struct buf url; /* holds credentials: never log it */
	struct buf body;
	size_t header_count;
	struct buf headers[OUTGOING_MAX_HEADERS]; /* "Name: value" each */
};

void outgoing_init(struct outgoing *out);
void outgoing_done(struct outgoing *out);

/* Appends one header. A value with CR, LF or NUL makes the request fail (-EINVAL in url.err). */
void outgoing_header(struct outgoing *out, const char *name, struct str value);

/* 0, or the first error any of its buffers met. */
int outgoing_error(const struct outgoing *out) must_check;

enum answer_fault {
	ANSWER_OK,         /* there is a status */
	ANSWER_REFUSED,    /* the guard refused the address: final */
	ANSWER_UNRESOLVED, /* the name has no address */
	ANSWER_UNREACHED,  /* connection refused, reset, no route */
	ANSWER_TLS,        /* certificate or handshake */
	ANSWER_TIMEOUT,
	ANSWER_TOO_LARGE, /* more than ANSWER_MAX_BODY */
	ANSWER_CANCELLED, /* by us: at the end, by the caller, or for lack of memory */
	ANSWER_BROKEN     /* anything else: not HTTP, cut short */
};

struct answer {
	enum answer_fault fault;
	int status; /* with ANSWER_OK; with another fault when the answer had begun; else 0 */
	const char
		*why; /* what exactly went wrong, a constant; NULL: nothing to add to the fault */
	struct str body;    /* the bytes received, at most ANSWER_MAX_BODY; may hold any byte */
	struct str headers; /* raw header lines of the final answer, at most 16 KiB */
	int64_t duration_us;
};

/* The value of a header of the answer, trimmed; the empty slice when absent. */
struct str answer_header(const struct answer *answer, const char *name);

/* A sentence for owners and logs, free of URLs: "destination answered 404", "timed out",
 * "connection refused", "certificate not trusted", "address not allowed" ... */
#define ANSWER_TEXT_SIZE 144
void answer_describe(const struct answer *answer, char out[ANSWER_TEXT_SIZE]);

#endif
