/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Collects the answer to one outgoing request, within its bounds: header lines of the final answer
 * up to 16 KiB, the body up to ANSWER_MAX_BODY. Part of net/outbound.c.
 */
#ifndef NET_OUTBOUND_ANSWER_H
#define NET_OUTBOUND_ANSWER_H

#include <curl/curl.h>
#include <stdbool.h>

#include "core/buf.h"

struct outbound_answer {
	struct buf head;
	struct buf body;
	int status;        /* of the last status line, interim answers included; 0: none yet */
	bool head_is_over; /* header lines that follow are trailers */
	bool is_too_large; /* the body */
};

void outbound_answer_init(struct outbound_answer *answer);
void outbound_answer_done(struct outbound_answer *answer);

/* Has libcurl write into *answer, which must outlive the transfer. */
void outbound_answer_collect(struct outbound_answer *answer, CURL *easy);

/* The last status line was a 1xx. */
bool outbound_answer_is_interim(const struct outbound_answer *answer);

/* The answer was a 1xx that announces something we did not ask for. The transfer fails then. */
bool outbound_answer_is_unasked(const struct outbound_answer *answer);

#endif
