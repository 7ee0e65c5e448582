/* SPDX-License-Identifier: Apache-2.0 */

/* Until when messages of a channel are held, for people: by the clocks of its quiet hours. */
#ifndef CLI_HELD_H
#define CLI_HELD_H

#include <cjson/cJSON.h>

#include "core/attributes.h"
#include "core/channel_hold.h"
#include "core/str.h"

/* Reads the options of a channel as the API shows it. NULL: none can be read, so it is UTC. */
struct channel_options *held_options(struct str channel);

/* "held until 08:00 (Europe/Berlin)" for the object's `held_until`; false if it has none. */
bool held_text(const struct channel_options *options, const cJSON *object,
	       char out[CHANNEL_HOLD_WORDS_SIZE]);

#endif
