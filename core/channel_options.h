/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The options of a channel that have no column in the control plane's table, as one JSON object:
 * {"filter":{...},"quiet":{...}}. channel_options.c has the table of options; a new one is a row
 * there and a member here.
 *
 * An option that is null, false or an empty object is not set. Members that the table does not
 * have are ignored and kept: a request has other members, and a newer version has more options.
 * One in a request that is nearly an option ("fitler") is refused.
 */
#ifndef CORE_CHANNEL_OPTIONS_H
#define CORE_CHANNEL_OPTIONS_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/event_filter.h"
#include "core/json.h"
#include "core/quiet_hours.h"
#include "core/reason.h"
#include "core/snooze.h"
#include "core/str.h"
#include "core/uuid.h"

#define CHANNEL_OPTIONS_MAX_BYTES 65536

/* The channel that takes over after this one has failed for that time. */
struct fallback_option {
	bool is_set;
	struct uuid channel;
	unsigned after_minutes;
};

#define FALLBACK_MAX_MINUTES 1440

/* All zero: nothing is set. */
struct channel_options {
	cJSON *tree; /* owns the text that the members point to; NULL: the caller owns it */
	struct event_filter filter; /* without rules: every event passes */
	struct fallback_option fallback;
	bool is_living;           /* one message for each capsule, edited in place */
	struct quiet_hours quiet; /* without days: none */
	struct snooze snooze;     /* changed by its own endpoint */
};

/* Reads the options among the request's members; the tree must outlive them. 0, -ENOMEM, or -EINVAL
 * with the fault in *why, whose field names the option. */
int channel_options_read(const cJSON *request, struct channel_options *out,
			 struct reason *why) must_check;

/* Reads what is stored. An option that cannot be read, such as one of a newer version, counts as
 * not set. 0, -EINVAL when the text is not an object, -ENOMEM. */
int channel_options_open(struct str stored, struct channel_options **out) must_check;
void channel_options_close(struct channel_options *options); /* accepts NULL */

/* True when the request names an option, even to remove it. */
bool channel_options_are_named(const cJSON *request);
/* Appends `stored` (which may be empty), in which the options of the request replace those stored.
 * Appends nothing when no option is left. channel_options_read() has accepted the request. */
int channel_options_merge(struct str stored, const cJSON *request, struct buf *out) must_check;
/* Appends `stored` with its snooze replaced by this one; nothing when no option is left. */
int channel_options_set_snooze(struct str stored, const struct snooze *snooze,
			       struct buf *out) must_check;
/* Appends the options that are set as members of the JSON object that `out` ends in: those of a
 * request, or those that are stored. */
void channel_options_write(const cJSON *request, struct buf *out);
int channel_options_show(struct str stored, struct buf *out) must_check;

#endif
