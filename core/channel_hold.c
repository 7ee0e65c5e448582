/* SPDX-License-Identifier: Apache-2.0 */

/* When several quiet hours and snoozes apply, the one that ends last counts. */
#include "core/channel_hold.h"

#include <errno.h>
#include <stdio.h>

#include "core/event.h"
#include "core/rfc3339.h"

#define DAY_US (INT64_C(86400) * 1000000)

bool channel_hold_is_failure(struct str event, struct str outcome)
{
	enum event_kind kind = event_kind_find(event);

	return str_is(outcome, "error") || kind == EVENT_HOST_DOWN ||
	       kind == EVENT_EXPECTATION_MISSED;
}

static void look_again(struct channel_hold *hold, int64_t at_us)
{
	if (at_us > hold->now_us && at_us < hold->changes_us)
		hold->changes_us = at_us;
}

int channel_hold_look(const struct channel_options *options, int64_t now_us,
		      struct channel_hold *out)
{
	struct channel_hold hold = { .options = options,
				     .now_us = now_us,
				     .changes_us = INT64_MAX };
	struct quiet_span span;
	struct zone *zone = NULL;
	int rc = -ENOENT;

	if (options && options->quiet.days)
		rc = zone_open(ZONE_FOLDER, str_of(options->quiet.zone), &zone);
	if (rc == -ENOMEM)
		return rc;
	if (rc == 0) {
		span = quiet_hours_look(&options->quiet, zone, now_us);
		hold.quiet_until_us = span.until_us;
		look_again(&hold, span.changes_us);
		zone_close(zone);
	}
	if (options) {
		look_again(&hold, options->snooze.until_us);
		for (size_t i = 0; i < options->snooze.count; i++)
			look_again(&hold, options->snooze.resources[i].until_us);
	}
	*out = hold;
	return 0;
}

int64_t channel_hold_until(const struct channel_hold *hold,
			   const struct channel_hold_subject *subject)
{
	int64_t until_us = hold->quiet_until_us;
	int64_t snoozed_us;

	if (!hold->options)
		return 0;
	if (hold->options->quiet.lets_failures_through && subject->is_failure)
		until_us = 0;
	snoozed_us = snooze_until(&hold->options->snooze, subject->resource);
	if (snoozed_us > until_us)
		until_us = snoozed_us;
	return until_us > hold->now_us ? until_us : 0;
}

int channel_hold_text(const struct channel_options *options, int64_t until_us, int64_t now_us,
		      char out[CHANNEL_HOLD_WORDS_SIZE])
{
	const char *name = "UTC";
	struct zone *zone = NULL;
	char local[RFC3339_TEXT_SIZE];
	bool is_far = until_us - now_us > DAY_US;
	int rc = -ENOENT;

	if (options && options->quiet.days)
		rc = zone_open(ZONE_FOLDER, str_of(options->quiet.zone), &zone);
	if (rc == -ENOMEM)
		return rc;
	if (rc == 0) {
		name = options->quiet.zone;
		until_us += zone_offset(zone, until_us / 1000000) * 1000000;
		zone_close(zone);
	}
	rfc3339_format(until_us, 0, local);
	snprintf(out, CHANNEL_HOLD_WORDS_SIZE, "held until %.*s%s%.5s (%s)", is_far ? 10 : 0, local,
		 is_far ? " " : "", local + 11, name);
	return 0;
}
