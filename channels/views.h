/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What owners see of their deliveries, and what they can repair (contract o.13): lists, single
 * deliveries, redeliver and recover, health, explain. This header is what the files views*.c share.
 */
#ifndef CHANNELS_VIEWS_H
#define CHANNELS_VIEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "channels/parts.h"
#include "core/attributes.h"
#include "core/buf.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/uuid.h"

#define VIEW_MAX_VALUES 16

/* Lets the engine look at the channel again. */
void view_wake(struct channels *channels, const struct uuid *channel);

/* Whether the team has the channel call->id, in call->found. */
int view_find_channel(struct db *db, struct api_call *call) must_check;

/* An call about the delivery in the path's {id}, as api_call_new_for_channel(). */
struct api_call *api_call_new_for_delivery(const struct api *api, struct http_request *request,
					   size_t size) must_check;
void delivery_not_found(struct api_call *call); /* 404; frees */

/* ---- views_query.c --------------------------------------------------------------------------- */

struct view_words {
	size_t count;
	struct str values[VIEW_MAX_VALUES]; /* constants */
};

struct list_query {
	struct paging paging;
	int64_t since_us;
	int64_t until_us;
	struct view_words states;
	struct view_words events;
};

/* The raw query string of a list. 0, or -EINVAL with *why. */
int list_query_parse(struct str query, int64_t now_us, struct list_query *out,
		     struct reason *why) must_check;

struct recover_query {
	int64_t since_us;
	int64_t until_us;
	bool failed;
	bool dropped;
};

/* The body of `recover`, which may be empty. */
int recover_query_parse(struct str body, int64_t now_us, struct recover_query *out,
			struct reason *why) must_check;

/* ---- views_rows.c ---------------------------------------------------------------------------- */

/* Writes one page as JSON. */
int deliveries_list(struct db *db, const struct uuid *channel, const struct list_query *query,
		    struct buf *out) must_check;
/* Writes the team's delivery as an item. *found false: there is none. */
int delivery_show(struct db *db, const struct uuid *team, const struct uuid *id, struct buf *out,
		  bool *found) must_check;
/* The same with its attempts, its payload and what was folded into it. */
int delivery_show_whole(struct db *db, const struct uuid *team, const struct uuid *id,
			struct buf *out, bool *found) must_check;

/* ---- the endpoints --------------------------------------------------------------------------- */

void view_deliveries(struct http_request *request, void *owner);
void view_delivery(struct http_request *request, void *owner);
void view_health(struct http_request *request, void *owner);
void view_explain(struct http_request *request, void *owner);
void redeliver_one(struct http_request *request, void *owner);
void recover_many(struct http_request *request, void *owner);

#endif
