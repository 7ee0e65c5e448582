/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Erases from the trail the persons that the control plane is about to erase. It marks a user who
 * deletes the account, and 15 days later clears the rows and removes the user (contract e.7). After
 * that the commitments can no longer be computed, so this runs a day earlier.
 */
#ifndef AUDIT_FOLLOW_H
#define AUDIT_FOLLOW_H

#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "store/store.h"

#define FOLLOW_AFTER_US (INT64_C(14) * 86400 * 1000000) /* the mark */

struct follower;

struct follower_options {
	uv_loop_t *loop;
	struct store *store;
	int64_t (*now_us)(void); /* wall clock */
	unsigned every_ms;       /* from the end of a round to the next one */
	unsigned again_ms;       /* when a row is not a leaf yet; 0: 3 s */
	unsigned tries;          /* of a piece; 0: 20 */
};

int follower_open(const struct follower_options *options, struct follower **out) must_check;
/* Accepts NULL, and then calls on_closed at once. */
void follower_close(struct follower *follower, void (*on_closed)(void *owner), void *owner);

#endif
