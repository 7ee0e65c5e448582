/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether a channel holds a message back now, and until when, by its quiet hours and its snoozes.
 * Nothing is remembered: the options and the time decide.
 */
#ifndef CORE_CHANNEL_HOLD_H
#define CORE_CHANNEL_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/channel_options.h"

/* A look at the options at one moment. All zero: nothing was looked at. */
struct channel_hold {
	const struct channel_options *options; /* must outlive it; NULL: none */
	int64_t now_us;
	int64_t quiet_until_us; /* 0: it is not quiet */
	int64_t changes_us;     /* look again then; INT64_MAX: nothing will change */
};

/* The subject of a message. */
struct channel_hold_subject {
	bool is_failure;     /* quiet hours may let it through, a snooze does not */
	struct str resource; /* the event's resource.id; empty: none */
};

/* The failures that quiet hours may let through: an outcome of "error", hosts that went down, and
 * what was expected and did not come. */
bool channel_hold_is_failure(struct str event, struct str outcome);

/* Reads the zone's file. `options` may be NULL. A zone that the system no longer has counts as
 * never quiet. 0 or -ENOMEM. */
int channel_hold_look(const struct channel_options *options, int64_t now_us,
		      struct channel_hold *out) must_check;

/* Until when the message is held; 0: it may go. */
int64_t channel_hold_until(const struct channel_hold *hold,
			   const struct channel_hold_subject *subject);

#define CHANNEL_HOLD_WORDS_SIZE 128

/* "held until 08:00 (Europe/Berlin)", by the clocks of the quiet hours' zone or else UTC; with the
 * date when it is more than a day away. */
int channel_hold_text(const struct channel_options *options, int64_t until_us, int64_t now_us,
		      char out[CHANNEL_HOLD_WORDS_SIZE]) must_check;

#endif
