/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One delivery: its states, what an attempt makes of it, and which delivery of a channel is next.
 * Pure: time and verdict are arguments; nothing here sends or stores. docs/notes/delivery.md
 *
 *      +---- retry, wait, another form or setting, channel to be disabled ----+
 *      v                                                                      |
 *   PENDING --(its turn)------------------------------------------------> SENDING
 *      |                                                                      |
 *      |                                         DELIVERED <--(accepted)------+
 *      +--(cannot be built)--> FAILED <--(refused for good, or too old)-------+
 *      +--(channel or team deleted, or skipped)--> DROPPED <--(the same)------+
 *      +--(a digest or a newer state says it)--> FOLDED, and PENDING again when that was refused
 *
 * SENDING exists in memory only. In the store such a row is pending, so that another worker sends
 * it again after a crash. An ended row becomes pending again only on request (redeliver, recover);
 * no request is running for it then. transitions.h has the statements.
 */
#ifndef DELIVERY_STATES_H
#define DELIVERY_STATES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fresh_rows.h"
#include "core/list.h"
#include "core/stream_id.h"
#include "core/uuid.h"
#include "delivery/living.h"
#include "providers/provider.h"

/* How long retries of a channel hold newer deliveries back: a budget that refills at a tenth. */
#define DELIVERY_HOLD_US (INT64_C(60) * 1000000)
#define DELIVERY_REFILL  10
#define DELIVERY_IN_LINE 2 /* after this many failures it is retried beside the queue, */
#define DELIVERY_BESIDE  3 /* and then waits this many times the length of its last try */
#define DELIVERY_GIVE_UP_US \
	(INT64_C(24) * 3600 * 1000000) /* after the event, or after it was requeued */
#define DELIVERY_FREE_WAITS 5 /* waits that a destination asked for and that cost no attempt */
#define DELIVERY_REBOUNDS   3 /* changes of a setting that one delivery follows */

enum delivery_state {
	DELIVERY_PENDING,
	DELIVERY_SENDING,
	DELIVERY_DELIVERED,
	DELIVERY_FAILED,
	DELIVERY_DROPPED,
	DELIVERY_FOLDED,
	DELIVERY_STATES
};

/* SQL: never tried and never held. Such a row is due, whatever its next attempt says: that is when
 * it was written, perhaps before the clock was set back. */
#define DELIVERY_IS_NEW "(attempts = 0 AND held_until IS NULL) "
#define DELIVERY_IS_DUE "(next_attempt_at <= $2 OR " DELIVERY_IS_NEW ") "

/* A row of `deliveries` in memory. */
struct delivery {
	struct list link; /* in its channel's queue, in stream order */
	struct uuid id;
	struct stream_id stream_id;
	enum delivery_state state;
	bool is_fresh; /* the ledger has just made it from an event: its body can be read */
	bool is_digest;
	bool is_asked_again;      /* load.c: sent again on request */
	bool was_held;            /* by quiet hours or a snooze, which have ended */
	int64_t held_until_us;    /* by the options that were read with it; 0: it may go */
	int64_t accepted_us;      /* when the request was accepted that it ends; 0: unknown */
	bool is_plain;            /* the rich form was refused */
	unsigned attempts;        /* requests that went out, ever */
	unsigned attempts_before; /* before it was requeued */
	/* Since then: */
	unsigned waits;    /* answers that asked us to wait */
	unsigned repeats;  /* answers that asked for a different form, setting or message */
	unsigned rebounds; /* of these: for another setting */
	int64_t since_us;  /* its day begins: the event, or when it was requeued */
	int64_t next_attempt_us;
	int64_t first_failed_us; /* 0: never failed */
	struct uuid instead_of;  /* the failing channel it was made for; all zero: none */
	char *note; /* why this channel gets another one's delivery; NULL: it is its own */
	struct body *body;
	struct living *living; /* NULL: an ordinary message */
};

/* The result of an attempt, as stored in delivery_attempts.verdict. */
enum attempt_verdict {
	ATTEMPT_DELIVERED,
	ATTEMPT_ACCEPTED, /* the provider confirms no more than that */
	ATTEMPT_RETRY,
	ATTEMPT_WAIT, /* tried again when the destination asked */
	ATTEMPT_REJECTED,
	ATTEMPT_DISABLED, /* the channel is at fault; the delivery stays pending */
	ATTEMPT_REFORMED, /* goes out again at once, as plain text */
	ATTEMPT_REBOUND,  /* goes out again at once, with the setting the answer named */
	ATTEMPT_REPOSTED, /* goes out again at once, as a new message: the old one is gone */
	ATTEMPT_VERDICTS
};

void delivery_free(struct delivery *delivery);

/* The stored words. */
const char *delivery_state_name(enum delivery_state state);
const char *attempt_verdict_name(enum attempt_verdict verdict);

/* In memory; in the store. */
bool delivery_may_move(enum delivery_state from, enum delivery_state to);
bool delivery_may_store(enum delivery_state from, enum delivery_state to);

/* The only code that assigns a state. Aborts on a move that is not allowed. */
void delivery_move(struct delivery *delivery, enum delivery_state to);

/* Counts the attempt that ended at now_us and moves the delivery out of SENDING: to its end, or
 * back to PENDING with next_attempt_us set. Its day began at `since_us` by the clock of now_us. */
enum attempt_verdict delivery_apply(struct delivery *delivery, const struct verdict *verdict,
				    int64_t since_us, int64_t now_us);

/* How long retries may delay the other deliveries of a channel. All zero at first; wall clock. */
struct hold {
	int64_t left_us;   /* of the budget, at noted_us */
	int64_t noted_us;  /* 0: it never held anything back */
	int64_t until_us;  /* until then, newer ones wait */
	int64_t beside_us; /* until then, nothing is tried beside the queue */
};

/* An attempt of `duration_us` ended at now_us and moved the delivery. */
void hold_note(struct hold *hold, const struct delivery *delivery, int64_t duration_us,
	       int64_t now_us);

/* True when a delivery may be tried beside the queue. A time from before the clock was set back
 * does not count. */
bool hold_allows_beside(const struct hold *hold, int64_t now_us);

/* True when the delivery failed twice: newer ones do not wait for it, and it does not go before
 * them. */
bool delivery_is_beside(const struct delivery *delivery);

/* True when the message that it would edit shows a newer state. */
bool delivery_is_late(const struct delivery *delivery);

/* True when the delivery waits for another try, and newer ones must not pass it yet. A first
 * failure in the future is from before the clock was set back and holds nothing. */
bool delivery_holds_back(const struct delivery *delivery, const struct hold *hold, int64_t now_us);

/* The first that may go out now, or NULL; then *wake_us is when to look again (INT64_MAX:
 * nothing waits). Deliveries that failed twice come after all others. */
struct delivery *delivery_pick(const struct list *queue, const struct hold *hold, int64_t now_us,
			       int64_t *wake_us);

#endif
