/* SPDX-License-Identifier: Apache-2.0 */

/* Paths of the endpoints about deliveries, and rows inserted directly into the tables. */
#ifndef TESTS_SUPPORT_VIEW_RIG_H
#define TESTS_SUPPORT_VIEW_RIG_H

#include "tests/support/calls.h"

#define CHANNEL_1  "11111111-1111-4111-8111-111111111111"
#define CHANNEL_2  "22222222-2222-4222-8222-222222222222"
#define STRANGER   TEAM_B
#define NOBODYS_ID "99999999-9999-4999-8999-999999999999"
#define DELIVERY_1 "aaaaaaaa-0000-4000-8000-000000000001"

/* "/v1/channels/<id><rest>", until the next call. */
const char *path_of(const char *channel, const char *rest);

/* Inserts a channel created in 2020. Another worker holds its lease for ever, so that its rows do
 * not change. */
void add_quiet_channel(struct rig *rig, const char *id, const char *team, const char *kinds);

/* Inserts a delivery whose id ends in `number`, created in that second of 2027-01-15T07:00. */
void add_row(struct rig *rig, const char *channel, const char *team, int number, const char *state);

#endif
