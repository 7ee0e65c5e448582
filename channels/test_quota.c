/* SPDX-License-Identifier: Apache-2.0 */

/* A ring of the times of ten tests per team: the oldest says when the next test may go. */
#include "channels/test_quota.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/share.h"

#define WINDOW_US   (INT64_C(60) * 1000000)
#define TEAM_WEIGHT 2 /* in quarters of the free places, share_allows() */

struct team_tests {
	struct uuid team;
	int64_t sent_us[TEST_QUOTA_PER_MINUTE];
	unsigned count; /* of sent_us */
	unsigned next;  /* the oldest once the ring is full */
	int64_t last_us;
	unsigned inflight;
};

struct test_quota {
	unsigned inflight;
	size_t count;
	struct team_tests teams[TEST_QUOTA_MAX_TEAMS];
};

int test_quota_open(struct test_quota **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void test_quota_close(struct test_quota *quota)
{
	free(quota);
}

/* The team's place, or a free one. NULL with the time to wait when all are taken. */
static struct team_tests *place_of(struct test_quota *quota, const struct uuid *team,
				   int64_t now_us, int64_t *wait_us)
{
	struct team_tests *oldest = &quota->teams[0];

	for (size_t i = 0; i < quota->count; i++) {
		struct team_tests *place = &quota->teams[i];

		if (uuid_eq(&place->team, team))
			return place;
		if (oldest->inflight > 0 ||
		    (place->inflight == 0 && place->last_us < oldest->last_us))
			oldest = place;
	}
	if (quota->count < TEST_QUOTA_MAX_TEAMS)
		oldest = &quota->teams[quota->count++];
	else if (oldest->inflight > 0 || now_us - oldest->last_us < WINDOW_US) {
		*wait_us = oldest->last_us + WINDOW_US - now_us;
		return NULL;
	}
	*oldest = (struct team_tests){ .team = *team };
	return oldest;
}

int64_t test_quota_take(struct test_quota *quota, const struct uuid *team, int64_t now_us)
{
	int64_t wait_us = 0;
	struct team_tests *place = place_of(quota, team, now_us, &wait_us);

	if (!place)
		return wait_us;
	if (place->count == TEST_QUOTA_PER_MINUTE &&
	    now_us - place->sent_us[place->next] < WINDOW_US)
		return place->sent_us[place->next] + WINDOW_US - now_us;
	place->sent_us[place->next] = now_us;
	place->next = (place->next + 1) % TEST_QUOTA_PER_MINUTE;
	if (place->count < TEST_QUOTA_PER_MINUTE)
		place->count++;
	place->last_us = now_us;
	return 0;
}

static struct team_tests *find(struct test_quota *quota, const struct uuid *team)
{
	for (size_t i = 0; i < quota->count; i++) {
		if (uuid_eq(&quota->teams[i].team, team))
			return &quota->teams[i];
	}
	return NULL;
}

bool test_quota_enter(struct test_quota *quota, const struct uuid *team)
{
	struct team_tests *place = find(quota, team);

	assert(place);
	if (!share_allows(place->inflight, TEST_QUOTA_MAX_INFLIGHT - quota->inflight, TEAM_WEIGHT))
		return false;
	quota->inflight++;
	place->inflight++;
	return true;
}

void test_quota_leave(struct test_quota *quota, const struct uuid *team)
{
	struct team_tests *place = find(quota, team);

	assert(place && place->inflight > 0);
	quota->inflight--;
	place->inflight--;
}
