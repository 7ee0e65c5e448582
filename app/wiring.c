/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One worker: opens every module from the floor up, hands each a copy of the settings it needs,
 * connects them to one another, runs the loop, and closes them from the top down.
 *
 * The end has an order, and each step begins when the one before has called back: not ready, no new
 * connections, then the readers of Redis (a batch in hand is committed and acknowledged, the ledger left
 * to another worker), then the streams (told when to come back), then the deliveries in flight, and the
 * store last.
 * After STOP_LIMIT_MS what still hangs is left behind: everything that matters is committed.
 */
#include "app/wiring.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/health.h"
#include "app/loop_lag.h"
#include "app/openapi.h"
#include "app/redis_settings.h"
#include "audit/audit.h"
#include "auth/auth.h"
#include "bus/bus.h"
#include "channels/channels.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "core/worker_name.h"
#include "http/http.h"
#include "net/net.h"
#include "sse/sse.h"
#include "store/store.h"

#define STOP_LIMIT_MS   15000
#define LAST_LINES_MS   1000
#define STORE_READERS   2
#define REQUEST_READERS 2
#define SOURCE_PULSE_MS 1000

struct worker {
	const struct config *config;
	int listener; /* 0: the server opens its own */
	uv_loop_t loop;
	uv_signal_t on_term;
	uv_signal_t on_int;
	uv_signal_t on_hangup;
	uv_timer_t stop_limit;
	uv_timer_t drain;
	struct loop_lag lag;
	char name[WORKER_NAME_SIZE]; /* the owner of leases */

	struct redis_address redis_address;
	struct store *store;
	struct redis_master *master; /* of all connections to Redis */
	struct redis *redis;         /* shared by whoever sends single commands */
	struct auth *auth;
	struct audit *audit;
	struct channels *channels;
	struct sse *sse;
	struct http_server *server;
	struct bus_transient *transient;
	struct bus_tail *tail;
	struct bus_consumer *consumer;
	struct ledger_lease *lease;
	struct target_origin origins[CONFIG_MAX_ORIGINS];
	struct health health;

	bool stopping;
	size_t step; /* of stop_steps[] */
};

/* ---- the end ------------------------------------------------------------------------- */

/* Each step goes on to the next when its part has closed, or at once when it never opened. */

static void next_step(void *owner);

static void stop_consumer(struct worker *w)
{
	if (w->consumer)
		bus_consumer_close(w->consumer, next_step, w);
	else
		next_step(w);
}

static void stop_lease(struct worker *w)
{
	if (w->lease)
		ledger_lease_close(w->lease, next_step, w);
	else
		next_step(w);
}

static void stop_tail(struct worker *w)
{
	if (w->tail)
		bus_tail_close(w->tail, next_step, w);
	else
		next_step(w);
}

static void stop_transient(struct worker *w)
{
	if (w->transient)
		bus_transient_close(w->transient, next_step, w);
	else
		next_step(w);
}

static void stop_streams(struct worker *w)
{
	if (w->sse)
		sse_close(w->sse, next_step, w);
	else
		next_step(w);
}

static void stop_server(struct worker *w)
{
	if (w->server)
		http_server_close(w->server, next_step, w);
	else
		next_step(w);
}

static void stop_deliveries(struct worker *w)
{
	if (w->channels)
		channels_close(w->channels, next_step, w);
	else
		next_step(w);
}

static void stop_redis(struct worker *w)
{
	auth_close(w->auth);
	audit_close(w->audit);
	if (w->redis)
		redis_close(w->redis, next_step, w);
	else
		next_step(w);
}

static void stop_master(struct worker *w)
{
	if (w->master)
		redis_master_close(w->master, next_step, w);
	else
		next_step(w);
}

static void stop_store(struct worker *w)
{
	if (w->store)
		store_close(w->store, next_step, w);
	else
		next_step(w);
}

static void stop_handles(struct worker *w)
{
	uv_close((uv_handle_t *)&w->on_term, NULL);
	uv_close((uv_handle_t *)&w->on_int, NULL);
	uv_close((uv_handle_t *)&w->on_hangup, NULL);
	uv_close((uv_handle_t *)&w->stop_limit, NULL);
	uv_close((uv_handle_t *)&w->drain, NULL);
	loop_lag_stop(&w->lag);
}

static void (*const stop_steps[])(struct worker *w) = {
	stop_consumer,   stop_lease, stop_tail,   stop_transient, stop_streams, stop_server,
	stop_deliveries, stop_redis, stop_master, stop_store,     stop_handles,
};

static void next_step(void *owner)
{
	struct worker *w = owner;

	assert(w->step < ARRAY_LEN(stop_steps));
	stop_steps[w->step++](w);
}

static void on_stop_limit(uv_timer_t *timer)
{
	const struct worker *w = timer->data;

	log_error("could not stop in time, leaving the rest behind",
		  log_int("step", (int64_t)w->step), log_int("limit_ms", STOP_LIMIT_MS));
	log_stop(LAST_LINES_MS);
	_exit(EXIT_FAILED);
}

static void on_drained(uv_timer_t *timer)
{
	struct worker *w = timer->data;

	http_server_stop_listening(w->server);
	next_step(w);
}

/* Readiness is the first to go. What balances the load in front of us may be given some time to
 * notice, in which everything works as ever. */
static void begin_stop(struct worker *w)
{
	w->stopping = true;
	w->health.stopping = true;
	uv_timer_start(&w->stop_limit, on_stop_limit, STOP_LIMIT_MS, 0);
	if (w->server)
		uv_timer_start(&w->drain, on_drained, w->config->drain_s * UINT64_C(1000), 0);
	else
		next_step(w);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct worker *w = handle->data;

	if (w->stopping)
		return;
	log_info("stopping", log_int("signal", number));
	begin_stop(w);
}

void wiring_log_hangup(void)
{
	log_info("SIGHUP: the settings are not read again; to change them, restart the service");
}

static void on_hangup(uv_signal_t *handle, int number)
{
	(void)handle;
	(void)number;
	wiring_log_hangup();
}

/* ---- the ledger between the consumer and the channels ----------------------------------- */

static void on_committed(int rc, void *owner)
{
	struct worker *w = owner;

	if (rc == -EPERM)
		ledger_lease_lost(w->lease);
	bus_consumer_committed(w->consumer, rc);
}

static void on_batch(struct bus_batch *batch, void *owner)
{
	struct worker *w = owner;

	ledger_commit(w->channels, batch, on_committed, w);
}

static bool may_read(unsigned for_ms, void *owner)
{
	const struct worker *w = owner;

	return ledger_lease_runs(w->lease, for_ms);
}

static void on_lead(bool known, struct stream_id last, void *owner)
{
	struct worker *w = owner;

	bus_consumer_lead(w->consumer, known, last);
}

static void on_stand_by(void *owner)
{
	struct worker *w = owner;

	bus_consumer_stand_by(w->consumer);
}

/* ---- opening --------------------------------------------------------------------------- */

static enum audit_mode audit_mode_of(const struct config *config)
{
	switch (config->audit) {
	case CONFIG_AUDIT_MISSING:
		return AUDIT_MISSING;
	case CONFIG_AUDIT_OFF:
		return AUDIT_OFF;
	case CONFIG_AUDIT_ALL:
		break;
	}
	return AUDIT_ALL;
}

static enum team_role role_of(const struct config *config)
{
	switch (config->channel_role) {
	case CONFIG_ROLE_ADMIN:
		return ROLE_ADMIN;
	case CONFIG_ROLE_OWNER:
		return ROLE_OWNER;
	case CONFIG_ROLE_MEMBER:
		break;
	}
	return ROLE_MEMBER;
}

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
	loop_lag_start(&w->lag, &w->loop, uv_hrtime);
	w->on_term.data = w;
	w->on_int.data = w;
	w->stop_limit.data = w;
	w->drain.data = w;
	rc = uv_signal_start(&w->on_term, on_signal, SIGTERM);
	if (rc == 0)
		rc = uv_signal_start(&w->on_int, on_signal, SIGINT);
	if (rc == 0)
		rc = uv_signal_start(&w->on_hangup, on_hangup, SIGHUP);
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
	redis.master = w->master;
	return rc < 0 ? rc : redis_open(&redis, &w->redis);
}

static size_t origins_of(const struct config *config, struct target_origin out[CONFIG_MAX_ORIGINS])
{
	for (size_t i = 0; i < config->origin_count; i++)
		out[i] = (struct target_origin){ .provider = config->origins[i].provider,
						 .origin = config->origins[i].origin };
	return config->origin_count;
}

static int open_services(struct worker *w)
{
	const struct config *config = w->config;
	const struct auth_options auth = {
		.loop = &w->loop,
		.store = w->store,
		.redis = w->redis,
		.api_keys_manage = config->api_keys == CONFIG_KEYS_MANAGE,
		.change_role = role_of(config),
	};
	struct channels_options channels = {
		.loop = &w->loop,
		.store = w->store,
		.redis = w->redis,
		.worker = w->name,
		.allow_private = config->allow_private,
		.deliver = config->deliver == CONFIG_DELIVER_ON,
		.notify_completion = config->notify_on == CONFIG_NOTIFY_COMPLETION,
		.strip_host = config->strip_host == CONFIG_STRIP_ON,
		.max_inflight = config->max_inflight,
		.audit_mode = audit_mode_of(config),
		.group = config->group,
		.ca_file = config->ca_file,
		.link_base = config->link_base,
		.origins = w->origins,
		.origin_count = origins_of(config, w->origins),
	};
	int rc = auth_open(&auth, &w->auth);

	if (rc < 0)
		return rc;
	rc = audit_open(w->store,
			config->audit_status == CONFIG_AUDIT_STATUS_DASHBOARD
				? AUDIT_STATUS_DASHBOARD
				: AUDIT_STATUS_SEED,
			&w->audit);
	if (rc < 0)
		return rc;
	memcpy(channels.encryption_key, config->encryption_key, SEAL_KEY_SIZE);
	rc = channels_open(&channels, &w->channels);
	explicit_bzero(channels.encryption_key, SEAL_KEY_SIZE);
	if (rc < 0)
		return rc;

	const struct sse_options sse = {
		.loop = &w->loop,
		.store = w->store,
		.redis = w->redis,
		.auth = w->auth,
		.keepalive_s = config->keepalive_s,
		.max_streams_per_team = config->max_streams_per_team,
		.history_bytes = (size_t)config->history_kb * 1024,
		.pulse_ms = SOURCE_PULSE_MS,
	};

	return sse_open(&sse, &w->sse);
}

static int add_routes(struct worker *w)
{
	int rc = health_add_routes(&w->health, w->server);

	if (rc == 0)
		rc = openapi_add_routes(w->server);
	if (rc == 0)
		rc = sse_add_routes(w->sse, w->server);
	if (rc == 0)
		rc = channels_add_routes(w->channels, w->server);
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
		.max_connections = w->config->max_connections,
		.authenticate = auth_authenticate,
		.authenticate_owner = w->auth,
		.cors_origins = w->config->cors_origins,
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

static int open_readers(struct worker *w)
{
	const struct bus_tail_options tail = {
		.loop = &w->loop,
		.address = &w->redis_address,
		.master = w->master,
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
		.on_batch = on_batch,
		.may_read = may_read,
		.owner = w,
	};
	const struct ledger_lease_options lease = {
		.channels = w->channels,
		.on_lead = on_lead,
		.on_stand_by = on_stand_by,
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
		rc = bus_tail_open(&tail, &w->tail);
	if (rc == 0)
		rc = bus_consumer_open(&consumer, &w->consumer);
	if (rc == 0)
		rc = ledger_lease_open(&lease, &w->lease);
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
		rc = open_services(w);
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

	if (is_open)
		log_info("ready for connections", log_str("worker", w->name),
			 log_int("port", http_server_port(w->server)));
	else
		begin_stop(w);
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

int worker_run(const struct config *config, int listener)
{
	struct worker w = { .config = config, .listener = listener };
	int rc = read_redis_address(&w);

	if (rc == 0) {
		worker_name_make(w.name);
		rc = open_loop(&w);
	}
	if (rc == 0) {
		rc = open_all(&w);

		int loop_rc = run_loop(&w, rc == 0);

		rc = rc < 0 ? rc : loop_rc;
	}
	redis_address_done(&w.redis_address);
	if (rc < 0)
		log_error("could not start or stop as it should", log_str("error", errno_text(rc)));
	else
		log_info("stopped");
	return rc < 0 ? EXIT_FAILED : EXIT_GOOD;
}
