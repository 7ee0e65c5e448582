/* SPDX-License-Identifier: Apache-2.0 */

/* One worker and its parts. wiring.c opens them, stop.c closes them. */
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "app/admin.h"
#include "app/console.h"
#include "app/health.h"
#include "app/loop_lag.h"
#include "app/process_metrics.h"
#include "app/reporter.h"
#include "audit/audit.h"
#include "auth/auth.h"
#include "bus/bus.h"
#include "channels/channels.h"
#include "config/config.h"
#include "core/worker_name.h"
#include "delivery/delivery.h"
#include "http/http.h"
#include "ledger/ledger.h"
#include "net/net.h"
#include "sse/sse.h"
#include "store/store.h"
#include "targets/targets.h"
#include "views/views.h"

/* wiring.c alone uses file, listener, index, vitals, metrics, console and admin; services.c the
 * origins and is_unsigned; stop.c the step and request_turns. */
struct worker {
	struct config *config;
	const char *file; /* of --config; NULL: none */
	int listener;     /* 0: the server opens its own */
	bool listener_is_kept;
	unsigned index;
	struct vitals *vitals;
	struct reporter *reporter; /* NULL: the supervisor reports */
	uv_loop_t loop;
	uv_signal_t on_term;
	uv_signal_t on_int;
	uv_signal_t on_hangup;
	uv_timer_t stop_limit;
	uv_timer_t drain;
	unsigned request_turns; /* looks for requests that are coming, since the port closed */
	uv_timer_t turn;        /* says how this worker is */
	struct loop_lag lag;
	struct process_metrics metrics;
	char name[WORKER_NAME_SIZE]; /* owner of this worker's leases */

	struct redis_address redis_address;
	struct store *store;
	struct redis_master *master;     /* for all connections to Redis */
	struct redis_sentinel *sentinel; /* NULL: none */
	struct redis *redis;             /* shared by all that send single commands */
	struct auth *auth;
	struct audit_signer signer;
	bool is_unsigned; /* the signer could not be read, and nobody chose it */
	struct audit *audit;
	struct route *route;
	struct deliveries *deliveries;
	struct channels *channels;
	struct views *views;
	struct sse *sse;
	struct http_server *server;
	struct bus_transient *transient;
	struct bus_wake *wake;
	struct bus_tail *tail;
	struct bus_consumer *consumer;
	struct ledger *ledger;
	struct target_origin origins[CONFIG_MAX_ORIGINS];
	struct health health;
	struct console console;
	struct admin admin;

	bool stopping;
	size_t step; /* the current one of the end */
};

#endif
