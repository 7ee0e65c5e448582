/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How many test notifications a team may send: ten in any minute per process (contract c.7), a
 * few of all teams at the same time. Bounded: the team that has been silent for longest makes room;
 * while all have been busy in the last minute, a further one has to wait.
 */
#ifndef CHANNELS_TRIALS_H
#define CHANNELS_TRIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/uuid.h"

#define TRIALS_PER_MINUTE   10
#define TRIALS_MAX_TEAMS    1024
#define TRIALS_MAX_INFLIGHT 64

struct trials;

int trials_open(struct trials **out) must_check;
void trials_close(struct trials *trials); /* accepts NULL */

/* 0: it may be sent and is counted; else how long the team has to wait. now_us is monotonic. */
int64_t trials_take(struct trials *trials, const struct uuid *team, int64_t now_us) must_check;

/* A place among those under way, for a team that trials_take() has just counted; false: there is none
 * for it. A team may have half as many as are left, so that those of others find one. */
bool trials_enter(struct trials *trials, const struct uuid *team) must_check;
void trials_leave(struct trials *trials, const struct uuid *team);

#endif
