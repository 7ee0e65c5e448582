/* SPDX-License-Identifier: Apache-2.0 */

/* Judges Discord's answers. The message itself is in providers/discord.c. */
#ifndef PROVIDERS_DISCORD_H
#define PROVIDERS_DISCORD_H

#include "providers/provider.h"

struct verdict discord_judge(const struct answer *answer, int64_t now_us);

extern const struct provider_edit discord_edit;

#endif
