/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether we may send to the URLs of a config (contract c.3 step 6). One URL after another,
 * because each may need a look-up of its host.
 */
#ifndef TARGETS_CHECK_H
#define TARGETS_CHECK_H

#include "providers/provider.h"
#include "targets/guard.h"
#include "targets/origin.h"

struct target_check {
	struct guard *guard;
	const struct target_origin *origins;
	size_t origin_count;
	const struct provider *provider;
	const struct provider_config *config;
	struct uuid team;
	/* With a code of guard_check_target() other than -EINPROGRESS. */
	guard_done_fn on_done;
	void *owner;
	size_t next; /* the field to look at next; 0 at first */
};

/* Calls on_done once, perhaps before it returns. *check must stay valid until then. */
void target_check_start(struct target_check *check);

#endif
