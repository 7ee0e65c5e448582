/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether the URLs of a config may be sent to (contract c.3 step 6), one after another, since each may need
 * a look-up.
 */
#ifndef CHANNELS_TARGETS_H
#define CHANNELS_TARGETS_H

#include "channels/guard.h"
#include "channels/parts.h"
#include "providers/provider.h"

struct targets {
	struct channels *channels;
	const struct provider *provider;
	const struct provider_config *config;
	struct uuid team;
	guard_done_fn on_done; /* with the codes of guard_check_target() but -EINPROGRESS */
	void *owner;
	size_t next; /* field to be looked at; 0 at first */
};

/* on_done is called once, perhaps from within. *targets has to stay until then. */
void targets_check(struct targets *targets);

#endif
