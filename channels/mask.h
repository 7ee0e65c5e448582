/* SPDX-License-Identifier: Apache-2.0 */

/* Keeps the credentials of settings out of an event that somebody has a message previewed of. Pure. */
#ifndef CHANNELS_MASK_H
#define CHANNELS_MASK_H

#include <cjson/cJSON.h>

#include "providers/provider.h"

/* Replaces each in the event's own words, in place: whole addresses, tokens and secrets, no parts of other
 * words. Before a provider builds anything of it, since each spells texts in a way of its own. */
void mask_event(cJSON *event, const struct provider_config *config);

#endif
