/* SPDX-License-Identifier: Apache-2.0 */

/* What the files of this folder share among themselves: every provider, and the checks that all
 * of them make. */
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

/* Every required field is there and no value is longer than CONFIG_MAX_VALUE. 0 or -EINVAL. */
int config_check_fields(const struct provider_config *config, const struct provider_field *fields,
			struct reason *why) must_check;

/* An address at a vendor: https, and the port absent or 443. */
bool url_split_https(struct str url, struct url_parts *out) must_check;

/* Whether the text ends so, in any case. */
bool str_ends_nocase(struct str text, struct str end);

/* One to `max` letters and digits and nothing else but what `also` names. */
bool is_made_of_alnum(struct str text, const char *also, size_t max);

#endif
