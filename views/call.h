/* SPDX-License-Identifier: Apache-2.0 */

/* Shared by the endpoints of views/: the folder's struct, and calls about deliveries. */
#ifndef VIEWS_CALL_H
#define VIEWS_CALL_H

#include <stdint.h>

#include "api/api.h"
#include "core/attributes.h"
#include "core/crypto.h"
#include "core/uuid.h"
#include "delivery/delivery.h"
#include "net/net.h"
#include "store/store.h"
#include "targets/targets.h"

struct views {
	struct api api;
	struct redis *redis; /* may be NULL: then events are not looked up in Redis */
	struct deliveries *deliveries;
	const struct paces *paces;
	uint8_t key[SEAL_KEY_SIZE];
	int64_t (*mono_us)(void); /* the clock of the paces */
};

static inline struct views *views_of(const struct api_call *call)
{
	return call->api.owner;
}

/* A call about the delivery of the path's {id}. As api_call_new_for_channel(). */
struct api_call *view_call_for_delivery(const struct api *api, struct http_request *request,
					size_t size) must_check;
void view_no_delivery(struct api_call *call); /* 404; frees */

/* Finds out whether the team has the channel call->id; sets call->found. */
int view_find_channel(struct db *db, struct api_call *call) must_check;

/* Makes the engine read the channel and its deliveries again. */
void view_wake(const struct views *views, const struct uuid *channel);

#endif
