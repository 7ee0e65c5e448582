/* SPDX-License-Identifier: Apache-2.0 */

/*
 * For owners: how their deliveries are doing, and sending them again (contract o.13).
 *
 * It promises that a team sees only its own rows, that a page is bounded whatever the rows hold,
 * and that a delivery which is sent again keeps its id.
 *
 * Where it is decided:
 *
 *   deliveries.c  GET /v1/channels/{id}/deliveries and /v1/deliveries/{id}: what is shown, and how
 *                 many rows a page looks at (10,000)
 *   list_query.c  ... and which parameters are valid; the same for recover (a day back if none)
 *   health.c      GET /v1/channels/{id}/health: healthy, failing, probing, disabled or unreadable?
 *   activity.c    GET .../activity and /v1/events/activity: which ranges, in which steps
 *   snapshots.c   GET /v1/snapshots/pending: which are still under way (given up after an hour)
 *   explain.c     GET /v1/events/{id}/explain: why each channel heard of it, or not
 *   redeliver.c   POST .../redeliver and .../recover: what is sent again, and how much at once
 *
 * Helpers: show.c (the list and one delivery), views.c (routes), call.c.
 */
#ifndef VIEWS_VIEWS_H
#define VIEWS_VIEWS_H

#include <stdint.h>

#include "core/attributes.h"
#include "core/crypto.h"
#include "delivery/delivery.h"
#include "http/http.h"
#include "net/net.h"
#include "store/store.h"
#include "targets/targets.h"

struct views;

/* All must outlive the views. */
struct views_options {
	struct store *store;
	struct redis *redis; /* may be NULL: then events that left no rows are unknown */
	struct deliveries *deliveries;
	const struct paces *paces;
	const uint8_t *key;       /* SEAL_KEY_SIZE bytes; copied */
	int64_t (*now_us)(void);  /* wall clock */
	int64_t (*mono_us)(void); /* the clock of the paces */
};

int views_open(const struct views_options *options, struct views **out) must_check;
void views_close(struct views *views); /* accepts NULL */

int views_add_routes(struct views *views, struct http_server *server) must_check;

#endif
