/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The states of a delivery, the retry schedule (contract d.4, o.8), and the order inside a channel.
 */
#include "delivery/states.h"

#include <assert.h>
#include <stdlib.h>

#include "core/attributes.h"
#include "core/backoff.h"

#define SECOND_US      INT64_C(1000000)
#define JITTER_PERCENT 10
#define MIN_WAIT_US    SECOND_US /* even if a destination asks for less, to avoid a tight loop */

#define TO(state)      (1u << (state))

static const unsigned allowed_moves[DELIVERY_STATES] = {
	[DELIVERY_PENDING] = TO(DELIVERY_SENDING) | TO(DELIVERY_FAILED) | TO(DELIVERY_DROPPED) |
			     TO(DELIVERY_FOLDED),
	[DELIVERY_SENDING] = TO(DELIVERY_PENDING) | TO(DELIVERY_DELIVERED) | TO(DELIVERY_FAILED) |
			     TO(DELIVERY_DROPPED),
};

/* The store never holds SENDING: the moves into it and out of it are one. An ended row becomes
 * pending again by request, or when the digest it was folded into is refused. */
static const unsigned stored_moves[DELIVERY_STATES] = {
	[DELIVERY_PENDING] = TO(DELIVERY_DELIVERED) | TO(DELIVERY_FAILED) | TO(DELIVERY_DROPPED) |
			     TO(DELIVERY_FOLDED),
	[DELIVERY_DELIVERED] = TO(DELIVERY_PENDING),
	[DELIVERY_FAILED] = TO(DELIVERY_PENDING),
	[DELIVERY_DROPPED] = TO(DELIVERY_PENDING),
	[DELIVERY_FOLDED] = TO(DELIVERY_PENDING),
};

static const char *const state_names[DELIVERY_STATES] = {
	[DELIVERY_PENDING] = "pending",     [DELIVERY_SENDING] = "sending",
	[DELIVERY_DELIVERED] = "delivered", [DELIVERY_FAILED] = "failed",
	[DELIVERY_DROPPED] = "dropped",     [DELIVERY_FOLDED] = "folded",
};

static const char *const verdict_names[ATTEMPT_VERDICTS] = {
	[ATTEMPT_DELIVERED] = "delivered", [ATTEMPT_ACCEPTED] = "accepted",
	[ATTEMPT_RETRY] = "retry",         [ATTEMPT_WAIT] = "wait",
	[ATTEMPT_REJECTED] = "rejected",   [ATTEMPT_DISABLED] = "disabled",
	[ATTEMPT_REFORMED] = "reformed",   [ATTEMPT_REBOUND] = "rebound",
	[ATTEMPT_REPOSTED] = "reposted",
};

/* From the end of one attempt to the next; the last step repeats until the delivery is given up. */
static const int retry_steps_s[] = {
	10, 30, 2 * 60, 10 * 60, 30 * 60, 3600, 2 * 3600, 4 * 3600, 8 * 3600,
};

void delivery_free(struct delivery *delivery)
{
	body_unref(delivery->body);
	free(delivery->note);
	free(delivery->living);
	free(delivery);
}

const char *delivery_state_name(enum delivery_state state)
{
	return state_names[state];
}

const char *attempt_verdict_name(enum attempt_verdict verdict)
{
	return verdict_names[verdict];
}

bool delivery_may_move(enum delivery_state from, enum delivery_state to)
{
	return (allowed_moves[from] & TO(to)) != 0;
}

bool delivery_may_store(enum delivery_state from, enum delivery_state to)
{
	return (stored_moves[from] & TO(to)) != 0;
}

void delivery_move(struct delivery *delivery, enum delivery_state to)
{
	assert(delivery_may_move(delivery->state, to));
	delivery->state = to;
}

/* Attempts since the delivery was made or requeued, without the free ones. */
static unsigned count_failures(const struct delivery *delivery)
{
	unsigned attempts = delivery->attempts - delivery->attempts_before;
	unsigned free_waits =
		delivery->waits < DELIVERY_FREE_WAITS ? delivery->waits : DELIVERY_FREE_WAITS;
	unsigned is_free = free_waits + delivery->repeats;

	return attempts > is_free ? attempts - is_free : 0;
}

static int64_t pause_us(const struct delivery *delivery)
{
	unsigned failures = count_failures(delivery);
	size_t step = failures > 0 ? failures - 1 : 0;

	if (step >= ARRAY_LEN(retry_steps_s))
		step = ARRAY_LEN(retry_steps_s) - 1;
	return jitter(retry_steps_s[step] * SECOND_US, JITTER_PERCENT);
}

/* The first waits that a destination asks for are free, and are followed exactly. After that they
 * count only if they are longer than our own pause. */
static int64_t next_pause_us(struct delivery *delivery, const struct verdict *verdict)
{
	int64_t wish = verdict->retry_after_ms * 1000;
	int64_t own;

	if (verdict->retry_after_ms < 0)
		return pause_us(delivery);
	if (wish < MIN_WAIT_US)
		wish = MIN_WAIT_US;
	if (delivery->waits++ < DELIVERY_FREE_WAITS)
		return wish;
	own = pause_us(delivery);
	return wish > own ? wish : own;
}

static void pause_until(struct delivery *delivery, int64_t next_us, int64_t now_us)
{
	if (delivery->first_failed_us == 0)
		delivery->first_failed_us = now_us;
	delivery->next_attempt_us = next_us;
	delivery_move(delivery, DELIVERY_PENDING);
}

static enum attempt_verdict retry_later(struct delivery *delivery, const struct verdict *verdict,
					int64_t since_us, int64_t now_us)
{
	int64_t next_us = now_us + next_pause_us(delivery, verdict);

	if (next_us > since_us + DELIVERY_GIVE_UP_US)
		delivery_move(delivery, DELIVERY_FAILED);
	else
		pause_until(delivery, next_us, now_us);
	return verdict->retry_after_ms < 0 ? ATTEMPT_RETRY : ATTEMPT_WAIT;
}

/* The delivery goes out again next, changed as the answer asked. */
static enum attempt_verdict repeat(struct delivery *delivery, enum attempt_verdict verdict)
{
	delivery->repeats++;
	delivery_move(delivery, DELIVERY_PENDING);
	return verdict;
}

enum attempt_verdict delivery_apply(struct delivery *delivery, const struct verdict *verdict,
				    int64_t since_us, int64_t now_us)
{
	delivery->attempts++;
	switch (verdict->kind) {
	case VERDICT_DELIVERED:
		delivery_move(delivery, DELIVERY_DELIVERED);
		return verdict->is_accepted_only ? ATTEMPT_ACCEPTED : ATTEMPT_DELIVERED;
	case VERDICT_RETRY:
		return retry_later(delivery, verdict, since_us, now_us);
	case VERDICT_DISABLE:
		/* However old it is, it gets another try when the channel is repaired. */
		pause_until(delivery, now_us + pause_us(delivery), now_us);
		return ATTEMPT_DISABLED;
	case VERDICT_REFORM:
		if (delivery->is_plain)
			break;
		delivery->is_plain = true;
		return repeat(delivery, ATTEMPT_REFORMED);
	case VERDICT_REBIND:
		/* A destination that keeps naming other settings is tried again later. */
		if (delivery->rebounds >= DELIVERY_REBOUNDS)
			return retry_later(delivery, verdict, since_us, now_us);
		delivery->rebounds++;
		return repeat(delivery, ATTEMPT_REBOUND);
	case VERDICT_REPOST:
		return repeat(delivery, ATTEMPT_REPOSTED);
	case VERDICT_REJECT:
		break;
	}
	delivery_move(delivery, DELIVERY_FAILED);
	return ATTEMPT_REJECTED;
}

/* ---- which delivery goes next ---------------------------------------------------------- */

bool delivery_is_beside(const struct delivery *delivery)
{
	return count_failures(delivery) >= DELIVERY_IN_LINE;
}

bool delivery_is_late(const struct delivery *delivery)
{
	return delivery->living &&
	       stream_id_compare(delivery->stream_id, delivery->living->shown) <= 0;
}

static int64_t budget_left(const struct hold *hold, int64_t now_us)
{
	int64_t left_us = hold->left_us;

	if (hold->noted_us == 0)
		return DELIVERY_HOLD_US;
	if (now_us > hold->noted_us)
		left_us += (now_us - hold->noted_us) / DELIVERY_REFILL;
	return left_us < DELIVERY_HOLD_US ? left_us : DELIVERY_HOLD_US;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void begin_hold(struct hold *hold, const struct delivery *delivery, int64_t now_us)
{
	int64_t left_us = budget_left(hold, now_us);
	int64_t until_us =
		sooner(delivery->next_attempt_us, delivery->first_failed_us + DELIVERY_HOLD_US);
	int64_t span_us = until_us > now_us ? sooner(until_us - now_us, left_us) : 0;

	hold->left_us = left_us - span_us;
	hold->noted_us = now_us;
	hold->until_us = now_us + span_us;
}

void hold_note(struct hold *hold, const struct delivery *delivery, int64_t duration_us,
	       int64_t now_us)
{
	if (count_failures(delivery) > DELIVERY_IN_LINE)
		hold->beside_us = now_us + DELIVERY_BESIDE * duration_us;
	else if (delivery->state == DELIVERY_PENDING && !delivery_is_beside(delivery))
		begin_hold(hold, delivery, now_us);
}

bool hold_allows_beside(const struct hold *hold, int64_t now_us)
{
	return hold->beside_us <= now_us || hold->beside_us - now_us > DELIVERY_HOLD_US;
}

/* The end of the delivery's hold. If another worker began the hold, assume the whole budget. */
static int64_t hold_end(const struct delivery *delivery, const struct hold *hold)
{
	int64_t end_us = delivery->first_failed_us + DELIVERY_HOLD_US;

	return hold->noted_us ? sooner(hold->until_us, end_us) : end_us;
}

bool delivery_holds_back(const struct delivery *delivery, const struct hold *hold, int64_t now_us)
{
	return delivery->next_attempt_us > now_us && delivery->first_failed_us != 0 &&
	       delivery->first_failed_us <= now_us && !delivery_is_beside(delivery) &&
	       now_us < hold_end(delivery, hold);
}

static void wake_at(int64_t *wake_us, int64_t at_us)
{
	if (at_us < *wake_us)
		*wake_us = at_us;
}

static struct delivery *pick_in_line(const struct list *queue, const struct hold *hold,
				     int64_t now_us, int64_t *wake_us)
{
	LIST_EACH (link, queue) {
		struct delivery *delivery = list_item(link, struct delivery, link);

		if (delivery_is_beside(delivery))
			continue;
		if (delivery->next_attempt_us <= now_us)
			return delivery;
		wake_at(wake_us, delivery->next_attempt_us);
		if (delivery_holds_back(delivery, hold, now_us)) {
			wake_at(wake_us, hold_end(delivery, hold));
			return NULL;
		}
	}
	return NULL;
}

static struct delivery *pick_beside(const struct list *queue, int64_t now_us, int64_t *wake_us)
{
	LIST_EACH (link, queue) {
		struct delivery *delivery = list_item(link, struct delivery, link);

		if (!delivery_is_beside(delivery))
			continue;
		if (delivery->next_attempt_us <= now_us)
			return delivery;
		wake_at(wake_us, delivery->next_attempt_us);
	}
	return NULL;
}

struct delivery *delivery_pick(const struct list *queue, const struct hold *hold, int64_t now_us,
			       int64_t *wake_us)
{
	struct delivery *delivery;

	*wake_us = INT64_MAX;
	delivery = pick_in_line(queue, hold, now_us, wake_us);
	return delivery ? delivery : pick_beside(queue, now_us, wake_us);
}
