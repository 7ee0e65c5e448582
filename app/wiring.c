/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One worker: opens every module bottom up, gives each a copy of its settings, connects them, runs
 * the loop, and closes them top down.
 */
#include "app/wiring.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/openapi.h"
#include "app/reload.h"
#include "app/root.h"
#include "app/services.h"
#include "app/stop.h"
#include "app/worker.h"
#include "cli/command.h"
#include "cli/redis_settings.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "core/log.h"

#define STORE_READERS   2
#define REQUEST_READERS 2
#define LEDGER_TICK_MS  1000
/* A commit costs nearly the same for one event as for ten. */
#define LEDGER_LINGER_MS 5
#define TAIL_LINGER_MS   2

/* ---- signals --------------------------------------------------------------------------- */

static void on_signal(uv_signal_t *handle, int number)
{
	struct worker *w = handle->data;

	if (w->stopping)
		return;
	log_info("stopping", log_int("signal", number));
	stop_begin(w);
}

static void apply_settings(void *owner)
{
	struct worker *w = owner;
	const struct config *config = w->config;

	http_server_set_limits(w->server, config->max_connections, config->cors_origins);
	sse_set_max_streams_per_team(w->sse, config->max_streams_per_team);
	if (route_change(w->route, config->ca_file, config->link_base) < 0)
		log_error("out of memory; the CA file and the link base have not changed");
}

static void on_hangup(uv_signal_t *handle, int number)
{
	struct worker *w = handle->data;
	const struct reload reload = { .config = w->config,
				       .file = w->file,
				       .worker = w->config->workers > 1 ? (int)w->index : -1,
				       .apply = apply_settings,
				       .owner = w };

	(void)number;
	if (w->stopping)
		return;
	if (w->reporter)
		reporter_reloading(w->reporter, clock_mono_us());
	reload_settings(&reload);
	if (w->reporter)
		reporter_reloaded(w->reporter);
}

/* ---- how this worker is, for systemd ----------------------------------------------------- */

static void on_turn(uv_timer_t *timer)
{
	struct worker *w = timer->data;
	int64_t now_ms = clock_mono_ms();

	process_metrics_turn(&w->metrics, now_ms);
	vitals_tell(w->vitals, w->index, health_condition(&w->health), now_ms);
	if (w->reporter)
		reporter_turn(w->reporter, now_ms);
}

/* ---- the ledger between the consumer and the deliveries --------------------------------- */

static void on_committed(int rc, void *owner)
{
	struct worker *w = owner;

	if (rc == -EPERM)
		ledger_lost(w->ledger);
	bus_consumer_committed(w->consumer, rc);
}

static void on_batch(struct bus_batch *batch, void *owner)
{
	struct worker *w = owner;

	ledger_commit(w->ledger, batch, on_committed, w);
}

static bool may_read(unsigned for_ms, void *owner)
{
	const struct worker *w = owner;

	return ledger_runs(w->ledger, for_ms);
}

static void on_lead(bool known, struct stream_id last, void *owner)
{
	struct worker *w = owner;

	deliveries_lead(w->deliveries); /* before the first batch */
	bus_consumer_lead(w->consumer, known, last);
}

static void on_stand_by(void *owner)
{
	struct worker *w = owner;

	bus_consumer_stand_by(w->consumer);
}

static bool can_read(void *owner)
{
	const struct worker *w = owner;

	return redis_is_up(w->redis) && bus_tail_is_up(w->tail);
}

static void on_work(const struct fresh_rows *fresh, void *owner)
{
	const struct worker *w = owner;

	deliveries_take(w->deliveries, fresh);
}

static void on_checkpoint(const struct audit_checkpoint *checkpoint, void *owner)
{
	const struct worker *w = owner;

	audit_publish(w->audit, checkpoint);
}

/* ---- opening --------------------------------------------------------------------------- */

static int open_loop(struct worker *w)
{
	int rc = uv_loop_init(&w->loop);

	if (rc < 0)
		return rc;
	uv_signal_init(&w->loop, &w->on_term);
	uv_signal_init(&w->loop, &w->on_int);
	uv_signal_init(&w->loop, &w->on_hangup);
	uv_timer_init(&w->loop, &w->stop_limit);
	uv_timer_init(&w->loop, &w->drain);
	uv_timer_init(&w->loop, &w->turn);
	process_metrics_start(&w->metrics, w->index);
	loop_lag_start(&w->lag, &w->loop, uv_hrtime);
	w->on_term.data = w;
	w->on_int.data = w;
	w->on_hangup.data = w;
	w->stop_limit.data = w;
	w->drain.data = w;
	w->turn.data = w;
	rc = uv_signal_start(&w->on_term, on_signal, SIGTERM);
	if (rc == 0)
		rc = uv_signal_start(&w->on_int, on_signal, SIGINT);
	return rc;
}

static int open_sources(struct worker *w)
{
	const struct store_options store = {
		.loop = &w->loop,
		.url = w->config->database_url,
		.readers = STORE_READERS,
		.request_readers = REQUEST_READERS,
	};
	struct redis_options redis = {
		.loop = &w->loop,
		.address = &w->redis_address,
		.name = "commands",
	};
	int rc = store_open(&store, &w->store);

	if (rc == 0)
		rc = redis_master_open(&w->loop, &w->redis_address, &w->master);
	if (rc == 0)
		rc = redis_sentinel_open(&w->loop, &w->redis_address, w->master, &w->sentinel);
	redis.master = w->master;
	return rc < 0 ? rc : redis_open(&redis, &w->redis);
}

static int add_routes(struct worker *w)
{
	int rc = health_add_routes(&w->health, w->server);

	w->admin = (struct admin){
		.api = { .store = w->store, .now_us = clock_wall_us },
		.redis = w->redis,
		.group = w->config->group,
		.worker = w->name,
		.vitals = w->vitals,
		.lag = &w->lag,
	};
	w->console = (struct console){
		.assets = console_assets,
		.is_off = w->config->console == CONFIG_CONSOLE_OFF,
	};

	if (rc == 0)
		rc = root_add_routes(w->server);
	if (rc == 0)
		rc = openapi_add_routes(w->server);
	if (rc == 0)
		rc = console_add_routes(&w->console, w->server);
	if (rc == 0)
		rc = admin_add_routes(&w->admin, w->server);
	if (rc == 0)
		rc = sse_add_routes(w->sse, w->server);
	if (rc == 0)
		rc = channels_add_routes(w->channels, w->server);
	if (rc == 0)
		rc = views_add_routes(w->views, w->server);
	if (rc == 0)
		rc = audit_add_routes(w->audit, w->server);
	return rc;
}

static int open_server(struct worker *w)
{
	const struct http_options options = {
		.loop = &w->loop,
		.host = w->config->listen_host,
		.port = w->config->listen_port,
		.listener = w->listener,
		.is_kept = w->listener_is_kept,
		.max_connections = w->config->max_connections,
		.authenticate = auth_authenticate,
		.authenticate_owner = w->auth,
		.cors_origins = w->config->cors_origins,
		.unknown_path = root_unknown_path,
	};
	struct reason why = { .text = "" };
	int rc = http_server_open(&options, &w->server, &why);

	if (rc < 0) {
		command_fault(EXIT_FAILED, "WRENN_EVENTS_LISTEN: cannot listen on %s:%u: %s",
			      w->config->listen_host, (unsigned)w->config->listen_port,
			      why.text[0] ? why.text : strerror(-rc));
		return rc;
	}
	return add_routes(w);
}

static int ask_moment(struct bus_moment_query *query, void *owner)
{
	const struct worker *w = owner;

	return bus_moment_ask(w->redis, query);
}

static int add_event(struct str json, void (*on_added)(const char *fault, void *owner), void *adder,
		     void *owner)
{
	const struct worker *w = owner;

	return bus_add(w->redis, json, on_added, adder);
}

/* Opened after the consumer, because it tells the consumer when this worker gets the lease. */
static int open_ledger(struct worker *w)
{
	const struct config *config = w->config;
	const struct ledger_options options = {
		.loop = &w->loop,
		.store = w->store,
		.worker = w->name,
		.group = config->group,
		.audit_mode = services_audit_mode(config),
		.deliver = config->deliver == CONFIG_DELIVER_ON,
		.notify_completion = config->notify_on == CONFIG_NOTIFY_COMPLETION,
		.strip_host = config->strip_host == CONFIG_STRIP_ON,
		.now_us = clock_wall_us,
		.mono_us = clock_mono_us,
		.tick_ms = LEDGER_TICK_MS,
		.stream = { .ask = ask_moment, .add = add_event, .owner = w },
		.on_work = on_work,
		.signer = services_signer(w),
		.on_checkpoint = on_checkpoint,
		.keep_days = config->audit_keep_days,
		.archive_folder = config->audit_archive_dir,
		.owner = w,
	};
	const struct lease_events events = {
		.on_lead = on_lead,
		.on_stand_by = on_stand_by,
		.can_read = can_read,
		.owner = w,
	};
	int rc = ledger_open(&options, &w->ledger);

	return rc < 0 ? rc : ledger_start(w->ledger, &events);
}

static int open_readers(struct worker *w)
{
	const struct bus_tail_options tail = {
		.loop = &w->loop,
		.address = &w->redis_address,
		.master = w->master,
		.linger_ms = TAIL_LINGER_MS,
		.on_start = sse_on_start,
		.on_event = sse_on_event,
		.on_batch_end = sse_on_batch_end,
		.on_gap = sse_on_gap,
		.on_server = sse_on_server,
		.on_source = sse_on_source,
		.owner = w->sse,
	};
	const struct bus_consumer_options consumer = {
		.loop = &w->loop,
		.address = &w->redis_address,
		.master = w->master,
		.group = w->config->group,
		.claim_idle_ms = w->config->claim_idle_s * 1000,
		.linger_ms = LEDGER_LINGER_MS,
		.on_batch = on_batch,
		.may_read = may_read,
		.owner = w,
	};
	const struct bus_transient_options transient = {
		.loop = &w->loop,
		.address = &w->redis_address,
		.master = w->master,
		.on_event = sse_on_transient,
		.owner = w->sse,
	};
	int rc = bus_transient_open(&transient, &w->transient);

	if (rc == 0)
		rc = services_open_wake(w);
	if (rc == 0)
		rc = bus_tail_open(&tail, &w->tail);
	if (rc == 0)
		rc = bus_consumer_open(&consumer, &w->consumer);
	if (rc == 0)
		rc = open_ledger(w);
	w->health.store = w->store;
	w->health.redis = w->redis;
	w->health.tail = w->tail;
	w->health.sse = w->sse;
	w->health.consumer = w->consumer;
	return rc;
}

static int open_all(struct worker *w)
{
	int rc = open_sources(w);

	if (rc == 0)
		rc = services_open(w);
	if (rc == 0)
		rc = open_server(w);
	if (rc == 0)
		rc = open_readers(w);
	return rc;
}

/* Runs the loop until every part has closed. */
static int run_loop(struct worker *w, bool is_open)
{
	int rc;

	if (is_open) {
		log_info("ready for connections", log_str("worker", w->name),
			 log_int("port", http_server_port(w->server)));
		uv_timer_start(&w->turn, on_turn, 0, REPORTER_TURN_MS);
		uv_signal_start(&w->on_hangup, on_hangup, SIGHUP);
	} else {
		stop_begin(w);
	}
	uv_run(&w->loop, UV_RUN_DEFAULT);
	rc = uv_loop_close(&w->loop);
	if (rc < 0)
		log_error("handles were left open", log_str("error", errno_text(rc)));
	return rc;
}

static int read_redis_address(struct worker *w)
{
	const struct redis_settings settings = redis_settings_of(w->config);
	struct reason why = { .text = "" };
	int rc = redis_address_read(&settings, &w->redis_address, &why);

	if (rc < 0)
		command_fault(EXIT_FAILED, "%s: %s", why.field, why.text);
	return rc;
}

int worker_run(const struct worker_options *options)
{
	struct worker w = { .config = options->config,
			    .file = options->file,
			    .listener = options->listener,
			    .listener_is_kept = options->listener_is_kept,
			    .index = options->index,
			    .vitals = options->vitals,
			    .reporter = options->reporter };
	int rc = read_redis_address(&w);

	if (rc == 0) {
		worker_name_make(w.name);
		vitals_set_name(w.vitals, w.index, w.name);
		rc = open_loop(&w);
	}
	if (rc == 0) {
		rc = open_all(&w);

		int loop_rc = run_loop(&w, rc == 0);

		rc = rc < 0 ? rc : loop_rc;
	}
	redis_address_done(&w.redis_address);
	if (rc < 0)
		log_error("could not start or stop the worker", log_str("error", errno_text(rc)));
	else
		log_info("stopped");
	return rc < 0 ? EXIT_FAILED : EXIT_GOOD;
}
