/* SPDX-License-Identifier: Apache-2.0 */

/* Asks Redis how far the group is behind, and shows it in metrics and log. Private to bus/. */
#ifndef BUS_LAG_H
#define BUS_LAG_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "bus/step.h"

struct lag {
	/* The owner sets these once. */
	struct step step;
	/* The group's entry in the answer to XINFO GROUPS; NULL: it does not exist. */
	void (*on_sampled)(const redisReply *group, void *owner);
	/* Private. */
	bool is_high;
};

/* on_sampled is called unless the connection is lost. */
void lag_sample(struct lag *lag);

/* Shows a sample. Only the leader does: the other workers would show the same numbers again. */
void lag_show(struct lag *lag, const redisReply *group);
void lag_hide(void);

#endif
