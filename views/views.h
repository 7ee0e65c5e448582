/* SPDX-License-Identifier: Apache-2.0 */

/*
 * For owners: how their deliveries are doing, and sending them again (contract o.13):
 *
 *   GET  /v1/channels/{id}/deliveries     the list                          show.c, deliveries.c
 *   GET  /v1/deliveries/{id}              one delivery, with its attempts   show.c, deliveries.c
 *   GET  /v1/channels/{id}/health         breaker, pace, backlog            health.c
 *   GET  /v1/channels/{id}/activity       what came of deliveries over time  activity.c
 *   GET  /v1/events/activity              events over time                   activity.c
 *   GET  /v1/snapshots/pending            snapshots under way              snapshots.c
 *   GET  /v1/events/{id}/explain          why each channel heard of it, or not   explain.c
 *   POST /v1/deliveries/{id}/redeliver    send one again                    redeliver.c
 *   POST /v1/channels/{id}/recover        send again what was missed        redeliver.c
 *
 * It promises that a team sees only its own rows, that a page is bounded whatever the rows hold,
 * and that a delivery which is sent again keeps its id.
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
