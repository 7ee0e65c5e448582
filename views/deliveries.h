/* SPDX-License-Identifier: Apache-2.0 */

/* Deliveries as JSON, read from the store. */
#ifndef VIEWS_DELIVERIES_H
#define VIEWS_DELIVERIES_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/uuid.h"
#include "store/store.h"
#include "views/list_query.h"

/* Writes one page as JSON. */
int deliveries_list(struct db *db, const struct uuid *channel, const struct list_query *query,
		    struct buf *out) must_check;
/* Writes the team's delivery as an item. *found is false when the team has none of this id. */
int delivery_show(struct db *db, const struct uuid *team, const struct uuid *id, struct buf *out,
		  bool *found) must_check;
/* The same with its attempts, its payload and the deliveries that it sums up. */
int delivery_show_whole(struct db *db, const struct uuid *team, const struct uuid *id,
			struct buf *out, bool *found) must_check;

#endif
