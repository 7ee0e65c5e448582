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
	VERDICT_RETRY,   /* may succeed later, after retry_after_ms if the destination named it */
	VERDICT_REJECT,  /* this message never will */
	VERDICT_DISABLE, /* this channel cannot succeed with its current settings */
	/* The rich form was refused: the plain one is sent at once. If the message was already
	 * plain, it is rejected, or with is_unknown tried again later. */
	VERDICT_REFORM,
	/* The setting `field` has the new value `value`: it is stored, and the message is sent
	 * again at once. */
	VERDICT_REBIND,
	/* The message to replace is gone, or can no longer be edited: a new one is posted at
	 * once. */
	VERDICT_REPOST
};

#define VERDICT_VALUE_SIZE 256

struct verdict {
	enum verdict_kind kind;
	int64_t retry_after_ms; /* -1 when the answer did not say; at most an hour */
	/* With any kind: send nothing for this long; -1: no pause. Who pauses: */
	int64_t pause_ms;
	enum {
		PAUSE_CHANNEL,  /* the first of the channel's paces */
		PAUSE_PROVIDER, /* the provider's channels of this team; of all if several get it */
		PAUSE_EVERYBODY /* every channel of this provider: our address is blocked */
	} pause;
	bool is_throttled;     /* it said we were too fast */
	bool is_final;         /* with VERDICT_DISABLE: once is enough (410 Gone) */
	bool is_accepted_only; /* accepted; the provider never reports more (Teams) */
	bool is_stranger;      /* the answer is not the vendor's: something in between gave it */
	bool is_unknown;       /* the vendor refused in words we do not know: keep trying */
	const char *why;       /* what the owner should know, a constant sentence part such as
				  * "the webhook was deleted"; or NULL */
	const char *field;     /* VERDICT_REBIND: one of the provider's field names */
	char value[VERDICT_VALUE_SIZE]; /* NUL-terminated */
};

/* All members set to "nothing to say". */
struct verdict verdict_of(enum verdict_kind kind);

/* The verdict by status: 2xx is delivered, a refused address rejects, and anything else is tried
 * again, with Retry-After. The status counts even when its body was too long or incomplete. */
struct verdict judge_by_status(const struct answer *answer, int64_t now_us);

/* An answer that is not the vendor's, even a success: tried again. */
struct verdict judge_stranger(const struct answer *answer, int64_t now_us);

/* Writes a sentence for the owner that says what came back and what it means. It contains no text
 * that the destination sent. */
#define VERDICT_TEXT_SIZE 200
void verdict_describe(const struct provider *provider, const struct answer *answer,
		      const struct verdict *verdict, char out[VERDICT_TEXT_SIZE]);

/* Retry-After as milliseconds from now_us, rounded up, at most an hour; -1 when absent or
 * unreadable. */
int64_t retry_after_ms(const struct answer *answer, int64_t now_us);

#endif
