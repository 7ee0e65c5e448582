/* SPDX-License-Identifier: Apache-2.0 */

/* The first URL that is refused ends the check. Providers without a URL have a fixed host. */
#include "targets/check.h"

#include <errno.h>

static void on_judged(int rc, const struct reason *why, void *owner)
{
	struct target_check *check = owner;

	if (rc == 0)
		target_check_start(check);
	else
		check->on_done(rc, why, check->owner);
}

/* The field of the next URL, or NULL. */
static const char *next_target(struct target_check *check)
{
	const struct provider_field *fields = check->provider->fields;

	while (check->next < PROVIDER_MAX_FIELDS && fields[check->next].name) {
		const struct provider_field *field = &fields[check->next++];

		if (field->use == FIELD_TARGET)
			return field->name;
	}
	return NULL;
}

void target_check_start(struct target_check *check)
{
	struct reason why = { .text = "" };
	const char *field;
	int rc = 0;

	/* With an override nobody ever connects to the stored host. */
	if (origin_find(check->origins, check->origin_count, check->provider->name)) {
		check->on_done(0, &why, check->owner);
		return;
	}
	while (rc == 0 && (field = next_target(check))) {
		const struct target target = {
			.url = config_value(check->config, field),
			.field = field,
			.team = check->team,
		};

		rc = guard_check_target(check->guard, &target, &why, on_judged, check);
	}
	if (rc != -EINPROGRESS)
		check->on_done(rc, &why, check->owner);
}
