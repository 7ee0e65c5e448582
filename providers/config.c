/* SPDX-License-Identifier: Apache-2.0 */

/* Reading a channel's settings and the checks that do not depend on the vendor. */
#include "providers/config.h"

#include <errno.h>
#include <string.h>

struct str config_value(const struct provider_config *config, const char *name)
{
	for (size_t i = 0; i < config->count; i++) {
		if (strcmp(config->fields[i].name, name) == 0)
			return config->fields[i].value;
	}
	return STR("");
}

int config_check_fields(const struct provider_config *config, const struct provider_field *fields,
			struct reason *why)
{
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS && fields[i].name; i++) {
		const char *name = fields[i].name;
		struct str value = config_value(config, name);

		if (value.len == 0 && fields[i].need == FIELD_REQUIRED)
			return reason_set(why, -EINVAL, name, "%s is required", name);
		if (value.len > CONFIG_MAX_VALUE)
			return reason_set(why, -EINVAL, name, "%s must have at most %d bytes", name,
					  CONFIG_MAX_VALUE);
		if (fields[i].use == FIELD_TARGET && memmem(value.at, value.len, "&amp;", 5))
			return config_refuse(why, name,
					     "was copied from the source of a page: write & "
					     "instead of &amp;",
					     fields[i].example);
	}
	return 0;
}

int config_refuse(struct reason *why, const char *field, const char *fault, const char *example)
{
	return reason_set(why, -EINVAL, field, "%s %s; a valid one: %s", field, fault, example);
}
