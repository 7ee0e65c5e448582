/* SPDX-License-Identifier: Apache-2.0 */

/* The list of all providers. CONTRIBUTING.md lists the other places that a new one touches. */
#include "providers/builtin.h"

#include <assert.h>

static const struct provider *const providers[] = {
	&discord_provider, &googlechat_provider, &matrix_provider,  &slack_provider,
	&teams_provider,   &telegram_provider,   &webhook_provider,
};

static_assert(ARRAY_LEN(providers) <= PROVIDERS_MAX, "raise PROVIDERS_MAX");

const struct provider *provider_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
		if (str_is(name, providers[i]->name))
			return providers[i];
	}
	return NULL;
}

const struct provider *provider_at(size_t number)
{
	return number < ARRAY_LEN(providers) ? providers[number] : NULL;
}
