/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How many test notifications a team may send: ten in any minute per process (contract c.7), and
 * a few at the same time. Bounded: the team that has been silent for longest gives up its place.
 * While all teams were busy in the last minute, a new team has to wait.
 */
#ifndef CHANNELS_TEST_QUOTA_H
#define CHANNELS_TEST_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/uuid.h"

#define TEST_QUOTA_PER_MINUTE   10
#define TEST_QUOTA_MAX_TEAMS    1024
#define TEST_QUOTA_MAX_INFLIGHT 64

struct test_quota;

int test_quota_open(struct test_quota **out) must_check;
void test_quota_close(struct test_quota *quota); /* accepts NULL */

/* Returns 0 when the test may be sent, and counts it. Otherwise the time that the team must wait.
 * now_us: monotonic. */
int64_t test_quota_take(struct test_quota *quota, const struct uuid *team,
			int64_t now_us) must_check;

/* Takes a place among the running tests, for a team that test_quota_take() has just counted.
 * Returns false if there is none for it. A team may have half as many as are free, so that other
 * teams find one. */
bool test_quota_enter(struct test_quota *quota, const struct uuid *team) must_check;
void test_quota_leave(struct test_quota *quota, const struct uuid *team);

#endif
