/* SPDX-License-Identifier: Apache-2.0 */

/* A channel's decrypted settings, and the checks that do not depend on the vendor. */
#ifndef PROVIDERS_CONFIG_H
#define PROVIDERS_CONFIG_H

#include <stddef.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "core/str.h"

#define PROVIDER_MAX_FIELDS 4
#define CONFIG_MAX_VALUE \
	4096 /* bytes of one config value (contract c.3); check() refuses longer ones */

/* A channel's decrypted settings, as (name, value); values hold secrets. */
struct provider_config {
	size_t count;
	struct {
		const char *name; /* one of the provider's field names */
		struct str value;
	} fields[PROVIDER_MAX_FIELDS];
};

/* The value of a field, or the empty slice. */
struct str config_value(const struct provider_config *config, const char *name);

struct provider_field {
	const char *name;
	enum { FIELD_REQUIRED, FIELD_OPTIONAL } need;
	enum { FIELD_PLAIN, FIELD_TARGET } use; /* FIELD_TARGET: a URL the guard must allow */
	const char *example; /* for previews: check() accepts it, and it leads nowhere */
};

/* Checks that every required field is there and no value is longer than CONFIG_MAX_VALUE. 0 or
 * -EINVAL. */
int config_check_fields(const struct provider_config *config, const struct provider_field *fields,
			struct reason *why) must_check;

/* Ends a check: "<field> <fault>; a valid one: <example>". */
int config_refuse(struct reason *why, const char *field, const char *fault,
		  const char *example) must_check;

#endif
