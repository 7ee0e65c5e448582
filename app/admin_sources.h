/* SPDX-License-Identifier: Apache-2.0 */

/* The sources that the endpoints of administrators read. `owner` of each handler is the struct api
 * in it. */
#ifndef APP_ADMIN_SOURCES_H
#define APP_ADMIN_SOURCES_H

#include "api/api.h"
#include "app/loop_lag.h"
#include "app/vitals.h"
#include "bus/bus.h"

struct admin {
	struct api api;
	struct redis *redis;
	const char *group;  /* the consumer group, whose ledger this is */
	const char *worker; /* who answers */
	const struct vitals *vitals;
	const struct loop_lag *lag;
};

#endif
