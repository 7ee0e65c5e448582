/* SPDX-License-Identifier: Apache-2.0 */

/* Keeps the credentials of settings out of an event that a client previews. Pure. */
#ifndef CHANNELS_MASK_H
#define CHANNELS_MASK_H

#include <cjson/cJSON.h>

#include "providers/provider.h"

/* Replaces credentials in the event's texts, in place: whole addresses, tokens and secrets, not
 * parts of other words. Must run before a provider builds a message, because each provider spells
 * texts in its own way. */
void mask_event(cJSON *event, const struct provider_config *config);

#endif
