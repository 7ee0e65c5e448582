/* SPDX-License-Identifier: Apache-2.0 */

/* All providers. */
#ifndef PROVIDERS_BUILTIN_H
#define PROVIDERS_BUILTIN_H

#include "providers/provider.h"

extern const struct provider discord_provider;
extern const struct provider googlechat_provider;
extern const struct provider matrix_provider;
extern const struct provider slack_provider;
extern const struct provider teams_provider;
extern const struct provider telegram_provider;
extern const struct provider webhook_provider;

#endif
