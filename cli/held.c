/* SPDX-License-Identifier: Apache-2.0 */

/* The API has times in UTC. This makes the same words of them as `explain` has. */
#include "cli/held.h"

#include "core/clock.h"
#include "core/json.h"
#include "core/rfc3339.h"

struct channel_options *held_options(struct str channel)
{
	struct channel_options *options = NULL;

	return channel_options_open(channel, &options) == 0 ? options : NULL;
}

bool held_text(const struct channel_options *options, const cJSON *object,
	       char out[CHANNEL_HOLD_WORDS_SIZE])
{
	const char *text = json_get_string(object, "held_until");
	int64_t until_us;

	return text && rfc3339_parse(str_of(text), &until_us) == 0 &&
	       channel_hold_text(options, until_us, clock_wall_us(), out) == 0;
}
