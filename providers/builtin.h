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

/* An address at a vendor: https, and the port absent or 443. Slashes at the end of the path are left out: no
 * vendor gives any, and they come from pasting. NULL, or what is wrong, as url_fault() says it. */
const char *url_hook_fault(struct str url, struct url_parts *out) must_check;

/* Such an address with another query (or none). */
void url_write_hook(struct buf *out, const struct url_parts *parts, struct str query);

/* Ends a check: "<field> <fault>; a right one: <example>". */
int config_refuse(struct reason *why, const char *field, const char *fault,
		  const char *example) must_check;

/* Whether the text ends so, in any case. */
bool str_ends_nocase(struct str text, struct str end);

/* One to `max` letters and digits and nothing else but what `also` names. */
bool is_made_of_alnum(struct str text, const char *also, size_t max);

#endif
