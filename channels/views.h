/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What owners see of their deliveries, and what they can repair (contract o.13): lists, single
 * deliveries, redeliver and recover, health, explain. This header is what the files views*.c share.
 */
#ifndef CHANNELS_VIEWS_H
#define CHANNELS_VIEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "channels/errand.h"
#include "core/attributes.h"
#include "core/buf.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/uuid.h"

#define VIEW_MAX_ROWS   200
#define VIEW_MAX_VALUES 16
/* Later than any row: 9999-12-31T23:59:59.999999Z. */
#define VIEW_END_OF_TIME_US INT64_C(253402300799999999)

/* Lets the engine look at the channel again. */
void view_wake(struct channels *channels, const struct uuid *channel);

/* Whether the team has the channel errand->id, in errand->found. */
int view_find_channel(struct db *db, struct errand *errand) must_check;

/* An errand about the delivery in the path's {id}, as errand_new_of_channel(). */
struct errand *errand_new_of_delivery(struct channels *channels, struct http_request *request,
				      size_t size) must_check;
void errand_no_delivery(struct errand *errand); /* 404; frees */

/* ---- JSON ------------------------------------------------------------------------------------ */

void view_add_time(struct buf *out, const char *name, int64_t us); /* nothing for 0 */
void view_add_number(struct buf *out, const char *name, int64_t number);
void view_add_uuid(struct buf *out, const char *name, const struct uuid *id);
/* At most 1 KiB of it; nothing when it is empty. */
void view_add_text(struct buf *out, const char *name, struct str text);

/* ---- views_query.c --------------------------------------------------------------------------- */

struct view_words {
	size_t count;
	struct str values[VIEW_MAX_VALUES]; /* constants */
};

struct list_query {
	int64_t before_us;
	struct uuid before_id;
	int64_t since_us;
	int64_t until_us;
	unsigned limit;
	struct view_words states;
	struct view_words events;
};

/* The raw query string of a list. 0, or -EINVAL with *why. */
int list_query_parse(struct str query, int64_t now_us, struct list_query *out,
		     struct reason *why) must_check;

/* An RFC 3339 time, or how long before now: "90s", "10m", "2h", "3d". */
int view_time_parse(struct str text, const char *field, int64_t now_us, int64_t *out_us,
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
