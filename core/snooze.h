/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Until when a channel, or some resources on it, are silent, as JSON:
 * {"until":"2026-05-24T08:00:00Z","resources":{"web-7":"2026-05-24T06:00:00Z"}}. Both members are
 * optional. A time that has passed has no effect.
 */
#ifndef CORE_SNOOZE_H
#define CORE_SNOOZE_H

#include "core/attributes.h"
#include "core/json.h"

#define SNOOZE_MAX_RESOURCES 50
#define SNOOZE_MAX_RESOURCE  256 /* bytes of a resource's id */

/* All zero: nothing is snoozed. */
struct snooze {
	int64_t until_us; /* of the whole channel; 0: none */
	size_t count;
	struct snoozed_resource {
		struct str id; /* text of the tree that was read */
		int64_t until_us;
	} resources[SNOOZE_MAX_RESOURCES];
};

/* 0, or -EINVAL with the fault in *why. */
int snooze_read(const cJSON *object, struct snooze *out, struct reason *why) must_check;

/* When the resource's snooze ends; 0: it is not snoozed. */
int64_t snooze_until(const struct snooze *snooze, struct str resource);

/* Snoozes the resource (the channel when empty) until until_us, or ends that with 0. Forgets what
 * has ended by now_us. -E2BIG when there are SNOOZE_MAX_RESOURCES already. */
int snooze_set(struct snooze *snooze, struct str resource, int64_t until_us,
	       int64_t now_us) must_check;

/* Appends the JSON; "{}" when nothing is snoozed. */
void snooze_write(struct buf *out, const struct snooze *snooze);

#endif
