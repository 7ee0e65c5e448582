/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Makes sure that the consumer group exists and is at the ledger's position. group_place() looks,
 * creates or sets back, and then calls back once. Private to bus/.
 */
#ifndef BUS_GROUP_H
#define BUS_GROUP_H

#include <stdbool.h>

#include "bus/position.h"
#include "bus/range.h"
#include "bus/step.h"
#include "core/log_limit.h"
#include "core/stream_id.h"

enum group_phase {
	GROUP_IDLE,
	GROUP_LOOKING, /* at the edges of the stream */
	GROUP_ASKING,  /* for the groups on it */
	GROUP_CREATING,
	GROUP_SETTING_BACK
};

struct consumer_group {
	/* The owner sets these once. */
	struct step step;
	const struct ledger_position *ledger; /* the consumer may change it at any time */
	/* The group is at the position `at`: the next new entry comes after it. */
	void (*on_placed)(struct stream_id at, void *owner);
	/* Private. */
	enum group_phase phase;
	bool is_repeated;
	struct bus_edges edges;
	struct stream_id at;
	struct log_limit loss_lines;
	bool loss_is_logged;
	struct log_limit place_lines;
};

/* `is_repeated`: the group was missing before, so its creation is not logged again. An unusable
 * answer drops the connection, and then there is no callback. */
void group_place(struct consumer_group *group, bool is_repeated);
void group_cancel(struct consumer_group *group);

/* Redis says that there is no group; is_new: it had one when it was asked before. A loss is logged
 * once, at the latest when the limit of such lines allows it. */
void group_report_loss(struct consumer_group *group, bool is_new);

/* The entry of the group of that name in a reply to XINFO GROUPS, or NULL. */
const redisReply *group_find(const redisReply *groups, const char *name);

#endif
