/* SPDX-License-Identifier: Apache-2.0 */

/* What the answer to a request means for the message and its channel. */
#ifndef PROVIDERS_VERDICT_H
#define PROVIDERS_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/exchange.h"

struct provider;

enum verdict_kind {
	VERDICT_DELIVERED,
	VERDICT_RETRY,   /* may succeed later; retry_after_ms is the destination's own wish */
	VERDICT_REJECT,  /* this message never will */
	VERDICT_DISABLE, /* this channel never will, as it is */
	VERDICT_REFORM,  /* not in the rich form: the plain one is sent at once. A message that was
			  * plain already is refused, or with is_unknown tried again later. */
	VERDICT_REBIND,  /* the setting `field` has the new value `value`: it is stored, and the
			  * message sent once more at once */
	VERDICT_REPOST   /* the message that was to be replaced is gone, or cannot be edited any
			  * more: a new one is posted at once */
};

#define VERDICT_VALUE_SIZE 256

struct verdict {
	enum verdict_kind kind;
	int64_t retry_after_ms; /* -1 when the answer gave no hint; at most an hour */
	/* Whatever the kind: nothing more to be sent for so long, -1 for no such wish. To whom: */
	int64_t pause_ms;
	enum {
		PAUSE_CHANNEL,  /* the first of the channel's paces */
		PAUSE_PROVIDER, /* every channel of this provider and team; of all teams when
				 * several are told */
		PAUSE_EVERYBODY /* every channel of this provider: it is our address that is shut
				 * out */
	} pause;
	bool is_throttled;     /* it said we were too fast */
	bool is_final;         /* with VERDICT_DISABLE: once is enough (410 Gone) */
	bool is_accepted_only; /* delivered, as far as the provider ever tells (Teams) */
	bool is_stranger;      /* the answer is not the vendor's: something in between gave it */
	bool is_unknown;       /* the vendor refused in words we do not know: nothing is given up */
	const char *why;       /* what the owner should know, a constant sentence part such as
				  * "the webhook was deleted"; or NULL */
	const char *field;     /* VERDICT_REBIND: one of the provider's field names */
	char value[VERDICT_VALUE_SIZE]; /* NUL-terminated */
};

/* All members set to "nothing to say". */
struct verdict verdict_of(enum verdict_kind kind);

/* The verdict of an answer without words: 2xx is delivered, a refused address rejects, and all else
 * is tried again, with Retry-After. A status counts although its body was too long or broke off. */
struct verdict judge_by_status(const struct answer *answer, int64_t now_us);

/* An answer that is not the vendor's, a success included: tried again. */
struct verdict judge_stranger(const struct answer *answer, int64_t now_us);

/* A sentence for the owner: what came back and what it means. No text of the destination's. */
#define VERDICT_TEXT_SIZE 200
void verdict_describe(const struct provider *provider, const struct answer *answer,
		      const struct verdict *verdict, char out[VERDICT_TEXT_SIZE]);

/* Retry-After as milliseconds from now_us, rounded up, at most an hour; -1 when absent or
 * unreadable. */
int64_t retry_after_ms(const struct answer *answer, int64_t now_us);

#endif
