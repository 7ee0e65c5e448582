/* SPDX-License-Identifier: Apache-2.0 */

/* See the header. The first URL that is refused ends it; providers without one have a fixed host. */
#include "channels/targets.h"

#include <errno.h>

#include "channels/origin.h"

static void on_judged(int rc, const struct reason *why, void *owner)
{
	struct targets *targets = owner;

	if (rc == 0)
		targets_check(targets);
	else
		targets->on_done(rc, why, targets->owner);
}

/* The next URL's field, or NULL. */
static const char *next_target(struct targets *targets)
{
	const struct provider_field *fields = targets->provider->fields;

	while (targets->next < PROVIDER_MAX_FIELDS && fields[targets->next].name) {
		const struct provider_field *field = &fields[targets->next++];

		if (field->use == FIELD_TARGET)
			return field->name;
	}
	return NULL;
}

void targets_check(struct targets *targets)
{
	const struct channels *channels = targets->channels;
	struct reason why = { .text = "" };
	const char *field;
	int rc = 0;

	/* With an override nobody ever connects to the stored host. */
	if (origin_find(channels->origins, channels->origin_count, targets->provider->name)) {
		targets->on_done(0, &why, targets->owner);
		return;
	}
	while (rc == 0 && (field = next_target(targets))) {
		const struct target target = {
			.url = config_value(targets->config, field),
			.field = field,
			.team = targets->team,
		};

		rc = guard_check_target(&targets->channels->guard, &target, &why, on_judged,
					targets);
	}
	if (rc != -EINPROGRESS)
		targets->on_done(rc, &why, targets->owner);
}
