/* SPDX-License-Identifier: Apache-2.0 */

/* A ring of ten times per team: the oldest of them says when the next may go. */
#include "channels/trials.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/share.h"

#define WINDOW_US   (INT64_C(60) * 1000000)
#define TEAM_WEIGHT 2 /* in quarters of what is left, share_allows() */

struct team_trials {
	struct uuid team;
	int64_t sent_us[TRIALS_PER_MINUTE];
	unsigned count; /* of sent_us */
	unsigned next;  /* the oldest once the ring is full */
	int64_t last_us;
	unsigned inflight;
};

struct trials {
	unsigned inflight;
	size_t count;
	struct team_trials teams[TRIALS_MAX_TEAMS];
};

int trials_open(struct trials **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void trials_close(struct trials *trials)
{
	free(trials);
}

/* The team's place or one for it; NULL with the time to wait when all are taken. */
static struct team_trials *place_of(struct trials *trials, const struct uuid *team, int64_t now_us,
				    int64_t *wait_us)
{
	struct team_trials *oldest = &trials->teams[0];

	for (size_t i = 0; i < trials->count; i++) {
		struct team_trials *place = &trials->teams[i];

		if (uuid_eq(&place->team, team))
			return place;
		if (oldest->inflight > 0 ||
		    (place->inflight == 0 && place->last_us < oldest->last_us))
			oldest = place;
	}
	if (trials->count < TRIALS_MAX_TEAMS)
		oldest = &trials->teams[trials->count++];
	else if (oldest->inflight > 0 || now_us - oldest->last_us < WINDOW_US) {
		*wait_us = oldest->last_us + WINDOW_US - now_us;
		return NULL;
	}
	*oldest = (struct team_trials){ .team = *team };
	return oldest;
}

int64_t trials_take(struct trials *trials, const struct uuid *team, int64_t now_us)
{
	int64_t wait_us = 0;
	struct team_trials *place = place_of(trials, team, now_us, &wait_us);

	if (!place)
		return wait_us;
	if (place->count == TRIALS_PER_MINUTE && now_us - place->sent_us[place->next] < WINDOW_US)
		return place->sent_us[place->next] + WINDOW_US - now_us;
	place->sent_us[place->next] = now_us;
	place->next = (place->next + 1) % TRIALS_PER_MINUTE;
	if (place->count < TRIALS_PER_MINUTE)
		place->count++;
	place->last_us = now_us;
	return 0;
}

static struct team_trials *find(struct trials *trials, const struct uuid *team)
{
	for (size_t i = 0; i < trials->count; i++) {
		if (uuid_eq(&trials->teams[i].team, team))
			return &trials->teams[i];
	}
	return NULL;
}

bool trials_enter(struct trials *trials, const struct uuid *team)
{
	struct team_trials *place = find(trials, team);

	assert(place);
	if (!share_allows(place->inflight, TRIALS_MAX_INFLIGHT - trials->inflight, TEAM_WEIGHT))
		return false;
	trials->inflight++;
	place->inflight++;
	return true;
}

void trials_leave(struct trials *trials, const struct uuid *team)
{
	struct team_trials *place = find(trials, team);

	assert(place && place->inflight > 0);
	trials->inflight--;
	place->inflight--;
}
