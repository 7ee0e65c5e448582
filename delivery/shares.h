/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Divides the slots for requests among teams, and keeps some free for newcomers.
 * docs/notes/delivery.md, "Shares".
 *
 * core/share.h has the rule. Of the waiting teams, the one with the fewest slots is next. Equal
 * teams take turns, and so do the channels of a team.
 *
 * There are two lanes. Channels that answer quickly may use every slot. Channels that keep a slot
 * for long, and channels that have not answered yet, share half of them.
 *
 * Pure except for its own memory: time is an argument, microseconds of the monotonic clock. A call
 * costs the same however many channels and teams wait.
 */
#ifndef DELIVERY_SHARES_H
#define DELIVERY_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/list.h"
#include "core/uuid.h"

#define SHARE_SLOW_US   INT64_C(1000000) /* a request that takes longer keeps its slot for long */
#define SHARE_MAX_TEAMS 4096             /* remembered without a request */

enum share_lane { SHARE_QUICK, SHARE_SLOW, SHARE_LANES };

/* How long requests keep a slot, averaged over the time the slot was kept: one long request
 * weighs as much as many short ones. Halves every minute. All zero: unknown. */
struct slot_time {
	bool is_known;
	int64_t mean_us;
	int64_t noted_us;
};

struct shares;
struct share_team;

/* One channel: it waits for a slot, holds one, or neither. All zero except for
 * share_seat_init(). */
struct share_seat {
	struct list turn; /* among the waiting seats of its team */
	struct share_team *team;
	enum share_lane lane;
	bool is_held; /* a slot */
	int64_t since_us;
	struct slot_time time;
};

/* `slots` at least 1. */
int shares_open(unsigned slots, struct shares **out) must_check;
void shares_close(struct shares *shares); /* accepts NULL; no seat waits or holds a slot */

/* Slots that are held. */
unsigned shares_held(const struct shares *shares);

void share_seat_init(struct share_seat *seat);

/* The channel has another destination: forgets the slot times of the old one. */
void share_seat_renew(struct share_seat *seat);

/* The channel waits for a slot. `is_proven`: its destination has answered, and has not failed
 * since. Teams for which there was no memory count as one. */
void share_wait(struct shares *shares, struct share_seat *seat, const struct uuid *team,
		bool is_proven, int64_t now_us);

/* The seat stops waiting. Safe when it does not wait. */
void share_leave(struct shares *shares, struct share_seat *seat);

/* The seat that may have a slot now, or NULL. Returns the same seat until that one leaves or
 * takes a slot. */
struct share_seat *shares_next(struct shares *shares);

/* A waiting seat takes a slot. */
void share_take(struct shares *shares, struct share_seat *seat, int64_t now_us);

/* The seat gives its slot back. */
void share_give_back(struct shares *shares, struct share_seat *seat, int64_t now_us);

#endif
