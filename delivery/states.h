/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One delivery: its states, what an attempt makes of it, and which of a channel's deliveries goes
 * next. Pure: time and verdict are arguments, nothing here sends or stores. docs/notes/delivery.md
 *
 *      +---- retry, wait, another form or setting, channel to be disabled ----+
 *      v                                                                      |
 *   PENDING --(its turn)------------------------------------------------> SENDING
 *      |                                                                      |
 *      |                                         DELIVERED <--(taken)---------+
 *      +--(cannot be built)--> FAILED <--(refused for good, or too old)-------+
 *      +--(channel or team gone, or skipped)--> DROPPED <--(the same)---------+
 *      +--(told in a digest)--> FOLDED, and PENDING again when the digest was refused (fold.c)
 *
 * SENDING lives in memory only. In the store such a row is pending, so that whoever takes over
 * after a crash sends it again. What is over becomes pending again only when somebody asks for it
 * (redeliver, recover): a statement over rows, that no request is under way for.
 */
#ifndef DELIVERY_STATES_H
#define DELIVERY_STATES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"
#include "core/stream_id.h"
#include "core/uuid.h"
#include "providers/provider.h"

/* How long retries of a channel hold newer deliveries back: a budget, which comes back at a tenth. */
#define DELIVERY_HOLD_US (INT64_C(60) * 1000000)
#define DELIVERY_REFILL  10
#define DELIVERY_IN_LINE 2 /* what failed so often is retried beside the queue */
#define DELIVERY_BESIDE  3 /* and then not for so many times as long as that took */
#define DELIVERY_GIVE_UP_US \
	(INT64_C(24) * 3600 * 1000000) /* after the event, or after it was requeued */
#define DELIVERY_FREE_WAITS 5          /* waits the destination asked for that use up no attempt */
#define DELIVERY_REBOUNDS   3          /* changes of a setting followed for one delivery */

enum delivery_state {
	DELIVERY_PENDING,
	DELIVERY_SENDING,
	DELIVERY_DELIVERED,
	DELIVERY_FAILED,
	DELIVERY_DROPPED,
	DELIVERY_FOLDED,
	DELIVERY_STATES
};

/* A row of `deliveries` in memory. */
struct delivery {
	struct list link; /* in its channel's queue, in stream order */
	struct uuid id;
	struct stream_id stream_id;
	enum delivery_state state;
	bool is_digest;
	bool is_plain;            /* the rich form was refused */
	unsigned attempts;        /* requests that went out, ever */
	unsigned attempts_before; /* those before it was requeued */
	/* Since then: */
	unsigned waits; /* answered with a wish to wait */
	unsigned
		repeats; /* answered with a wish for another form or setting, and repeated at once */
	unsigned rebounds; /* of these: those for another setting */
	int64_t since_us;  /* what its day counts from: the event, or when it was requeued */
	int64_t next_attempt_us;
	int64_t first_failed_us; /* 0: never failed */
	size_t payload_len;
	char payload[]; /* the body, fixed when the row was made */
};

/* What an attempt came to, as stored in delivery_attempts.verdict. */
enum attempt_verdict {
	ATTEMPT_DELIVERED,
	ATTEMPT_ACCEPTED, /* as far as the provider ever tells */
	ATTEMPT_RETRY,
	ATTEMPT_WAIT, /* tried again when the destination wished */
	ATTEMPT_REJECTED,
	ATTEMPT_DISABLED, /* the channel is at fault, not the delivery, which stays pending */
	ATTEMPT_REFORMED, /* goes out again at once, as plain text */
	ATTEMPT_REBOUND,  /* goes out again at once, with the setting the answer named */
	ATTEMPT_VERDICTS
};

/* The stored words. */
const char *delivery_state_name(enum delivery_state state);
const char *attempt_verdict_name(enum attempt_verdict verdict);

/* In memory; and of rows in the store, transitions.h. */
bool delivery_may_move(enum delivery_state from, enum delivery_state to);
bool delivery_may_store(enum delivery_state from, enum delivery_state to);

/* The only code that assigns a state; the move must be an allowed one. */
void delivery_move(struct delivery *delivery, enum delivery_state to);

/* Counts the attempt that ended at now_us and moves the delivery out of SENDING: to its end, or
 * back to PENDING with next_attempt_us set. */
enum attempt_verdict delivery_apply(struct delivery *delivery, const struct verdict *verdict,
				    int64_t now_us);

/* What the retries of a channel may cost its other deliveries. All zero at first; wall clock. */
struct hold {
	int64_t left_us;   /* of the budget, at noted_us */
	int64_t noted_us;  /* 0: nothing was held back yet */
	int64_t until_us;  /* newer ones wait until then */
	int64_t beside_us; /* nothing is tried beside the queue before */
};

/* An attempt that took `duration_us` has ended at now_us and moved the delivery. */
void hold_note(struct hold *hold, const struct delivery *delivery, int64_t duration_us,
	       int64_t now_us);

/* Something may be tried beside the queue. A time that a clock set since has written holds nothing. */
bool hold_allows_beside(const struct hold *hold, int64_t now_us);

/* It failed twice: newer ones do not wait for it, and it does not go before them. */
bool delivery_is_beside(const struct delivery *delivery);

/* It waits for another try, but newer ones must not pass it yet. A first failure in the future was
 * written before the clock was set back and holds nothing. */
bool delivery_holds_back(const struct delivery *delivery, const struct hold *hold, int64_t now_us);

/* The first that may go out now, or NULL; then *wake_us says when to look again (INT64_MAX: nothing
 * here waits). What failed twice comes after all others. */
struct delivery *delivery_pick(const struct list *queue, const struct hold *hold, int64_t now_us,
			       int64_t *wake_us);

#endif
