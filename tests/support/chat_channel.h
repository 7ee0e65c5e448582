/* SPDX-License-Identifier: Apache-2.0 */

/* One Slack channel on each engine, whose receiver answers as the test says. */
#ifndef TESTS_SUPPORT_CHAT_CHANNEL_H
#define TESTS_SUPPORT_CHAT_CHANNEL_H

#include "tests/support/destination.h"
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define SLACK_URL "https://hooks.slack.com/services/T0123/B0123/s3cr3ts3cr3t"
#define DELIVERED "deliveries WHERE state = 'delivered'"
#define PENDING   "deliveries WHERE state = 'pending'"

extern const char *const slack_fields[];

extern const struct reply ok[];

void with_replies(const struct reply *replies, void (*steps)(struct rig *rig));
void add_slack(struct rig *rig);
void commit_pauses(struct rig *rig, int count, int64_t ms);
int64_t count_attempts(struct rig *rig, const char *verdict);

#endif
