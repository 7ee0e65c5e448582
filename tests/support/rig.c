/* SPDX-License-Identifier: Apache-2.0 */

/* Opens the service bottom up and closes it top down, like app/wiring.c. */
#include "tests/support/rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "targets/targets.h"
#include "tests/support/patience.h"

#define GROUP   "test-group"
#define TICK_MS 20

int64_t rig_now_us = START_US;
static int64_t set_by_us;

static int64_t now_us(void)
{
	return rig_now_us;
}

static int64_t mono_us(void)
{
	return rig_now_us - set_by_us;
}

void rig_set_clock(int64_t by_us)
{
	rig_now_us += by_us;
	set_by_us += by_us;
}

/* ---- the loop ---------------------------------------------------------------------------- */

static void on_beat(uv_timer_t *timer)
{
	(void)timer;
}

void rig_turn_until(struct rig *rig, bool (*is_true)(struct rig *rig, void *arg), void *arg)
{
	uint64_t limit = uv_now(&rig->loop) + PATIENCE_MS;

	while (!is_true(rig, arg)) {
		uv_run(&rig->loop, UV_RUN_ONCE);
		cr_assert_lt(uv_now(&rig->loop), limit, "it did not happen in time");
	}
}

static bool is_set(struct rig *rig, void *arg)
{
	(void)rig;
	return *(bool *)arg;
}

static bool has_received(struct rig *rig, void *arg)
{
	return receiver_count(rig->receiver) >= *(unsigned *)arg;
}

void rig_wait_received(struct rig *rig, unsigned count)
{
	rig_turn_until(rig, has_received, &count);
}

struct wanted_rows {
	int64_t count;
	const char *from;
};

static bool has_rows(struct rig *rig, void *arg)
{
	const struct wanted_rows *wanted = arg;

	return rig_ask(rig, "SELECT count(*) FROM %s", wanted->from) == wanted->count;
}

void rig_wait_rows(struct rig *rig, int64_t count, const char *from)
{
	struct wanted_rows wanted = { .count = count, .from = from };

	rig_turn_until(rig, has_rows, &wanted);
}

static bool count_down(struct rig *rig, void *arg)
{
	(void)rig;
	return --*(int *)arg < 0;
}

/* A job that changes nothing: it ends after those that the store was given before it. */
struct last_job {
	struct store_job job;
	bool is_done;
};

static int do_nothing(struct db *db, struct store_job *job)
{
	(void)db;
	(void)job;
	return 0;
}

static void on_last_done(struct store_job *job, int rc)
{
	(void)rc;
	container_of(job, struct last_job, job)->is_done = true;
}

void rig_wait_for_store(struct rig *rig)
{
	struct last_job jobs[2];

	for (int i = 0; i < 2; i++) {
		jobs[i] = (struct last_job){ .job.run = do_nothing,
					     .job.on_done = on_last_done,
					     .job.is_repeatable = true };
		cr_assert_eq((i ? store_read : store_write)(rig->store, &jobs[i].job), 0);
	}
	for (int i = 0; i < 2; i++)
		rig_turn_until(rig, is_set, &jobs[i].is_done);
}

void rig_idle(struct rig *rig)
{
	for (int rounds = 0; rounds < 3; rounds++) {
		int turns = 20;

		rig_turn_until(rig, count_down, &turns);
		rig_wait_for_store(rig);
	}
}

static void on_closed(void *owner)
{
	*(bool *)owner = true;
}

/* ---- the database -------------------------------------------------------------------------- */

int64_t rig_ask(struct rig *rig, const char *format, ...)
{
	char sql[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	return database_ask(&rig->database, sql);
}

struct text_statement {
	struct store_job job;
	struct db_query query;
	char *out;
	size_t size;
};

static int on_text(const struct db_row *row, void *arg)
{
	struct text_statement *statement = arg;

	snprintf(statement->out, statement->size, "%.*s", STR_ARGS(row_text(row, 0)));
	return 0;
}

static int run_text(struct db *db, struct store_job *job)
{
	struct text_statement *statement = container_of(job, struct text_statement, job);

	return db_run_now(db, &statement->query, NULL, 0, on_text, statement, NULL);
}

void rig_ask_text(struct rig *rig, char *out, size_t size, const char *sql)
{
	struct text_statement statement = {
		.job.run = run_text, .query = { .sql = sql }, .out = out, .size = size
	};
	struct reason why = { .text = "" };

	snprintf(out, size, "(none)");
	cr_assert_eq(store_run_blocking(rig->database.url, &statement.job, &why), 0, "%s: %s", sql,
		     why.text);
}

static bool is_embedded(const struct rig *rig)
{
	return strncmp(rig->database.url, "sqlite:", 7) == 0;
}

static void add_channel(struct rig *rig, const char *id, const char *team, const char *provider,
			const struct provider_config *config, const char *kinds)
{
	struct buf sealed;

	buf_init(&sealed, SEALED_CONFIG_MAX);
	config_seal(&sealed, config, rig->key);
	rig_ask(rig,
		"INSERT INTO channels (id, team_id, name, provider, config, event_types) "
		"VALUES ('%s', '%s', '%s', '%s', '%s', '%s%s%s')",
		id, team, id, provider, buf_text(&sealed), is_embedded(rig) ? "[\"" : "{", kinds,
		is_embedded(rig) ? "\"]" : "}");
	buf_done(&sealed);
}

void rig_add_channel(struct rig *rig, const char *id, const char *team, const char *path,
		     const char *kinds)
{
	struct provider_config config = { .count = 2 };
	char url[256];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/%s", receiver_port(rig->receiver), path);
	config.fields[0].name = "url";
	config.fields[0].value = str_of(url);
	config.fields[1].name = "secret";
	config.fields[1].value = STR("c2VjcmV0LXNlY3JldA==");
	add_channel(rig, id, team, "webhook", &config, kinds);
}

void rig_add_chat(struct rig *rig, const char *id, const char *provider, const char *const *fields,
		  const char *kinds)
{
	struct provider_config config = { .count = 0 };

	for (; fields[0]; fields += 2) {
		config.fields[config.count].name = fields[0];
		config.fields[config.count++].value = str_of(fields[1]);
	}
	add_channel(rig, id, TEAM_A, provider, &config, kinds);
}

/* ---- events -------------------------------------------------------------------------------- */

static struct event *event_of(const char *team, const char *kind, const char *actor,
			      const char *more, int64_t ms)
{
	static uint64_t sequence;
	const struct stream_id id = { .ms = (uint64_t)ms, .seq = sequence++ };
	struct event *event = NULL;
	struct reason why = { .text = "" };
	struct buf json;

	buf_init(&json, 65536);
	buf_addf(&json,
		 "{\"event\":\"%s\",\"timestamp\":\"2027-01-15T08:00:00Z\",\"team_id\":\"%s"
		 "\",\"actor\":%s,\"resource\":{\"id\":\"" CAPSULE_ID "\",\"type\":\"sandbox\"}%s}",
		 kind, team, actor, more);
	cr_assert_eq(event_parse(buf_str(&json), id, &event, &why), 0, "%s", why.text);
	buf_done(&json);
	return event;
}

struct event *rig_event(const char *kind, const char *actor, const char *more, int64_t ms)
{
	return event_of(TEAM_A_ID, kind, actor, more, ms);
}

struct event *rig_event_of_b(const char *kind, int64_t ms)
{
	return event_of(TEAM_B_ID, kind, USER, ",\"outcome\":\"success\"", ms);
}

void rig_hold_ledger(struct rig *rig)
{
	rig_ask(rig, "DELETE FROM ledger_leases");
	rig_ask(rig,
		"INSERT INTO ledger_leases (group_name, owner, expires_at) "
		"VALUES ('%s', '%s', '2999-01-01T00:00:00.000000Z')",
		GROUP, rig->worker);
}

#define MAX_BATCH 2048
static struct reason rejected[MAX_BATCH];

struct committed {
	bool is_done;
	int rc;
};

static void on_committed(int rc, void *owner)
{
	struct committed *committed = owner;

	cr_assert_not(committed->is_done, "called back twice");
	committed->is_done = true;
	committed->rc = rc;
}

int rig_offer(struct rig *rig, struct event **events, size_t count)
{
	struct bus_batch batch = { .count = count, .events = events, .rejected = rejected };
	struct committed committed = { .is_done = false };

	cr_assert_leq(count, MAX_BATCH);
	for (size_t i = 0; i < count; i++) {
		if (stream_id_compare(events[i]->id, batch.last) > 0)
			batch.last = events[i]->id;
	}
	ledger_commit(rig->ledger, &batch, on_committed, &committed);
	rig_turn_until(rig, is_set, &committed.is_done);
	return committed.rc;
}

int rig_commit(struct rig *rig, struct event **events, size_t count)
{
	int rc = rig_offer(rig, events, count);

	for (size_t i = 0; i < count; i++)
		event_free(events[i]);
	return rc;
}

struct reason rig_rejected(size_t index)
{
	return rejected[index];
}

void rig_commit_pause(struct rig *rig, int64_t ms)
{
	struct event *event = rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", ms);

	cr_assert_eq(rig_commit(rig, &event, 1), 0);
}

/* ---- the endpoints ------------------------------------------------------------------------- */

/* A header names the caller. The tests of auth/ check the access that a route requires. */
static void authenticate(struct http_request *request, enum http_access access, void *owner)
{
	struct identity *identity = http_request_identity(request);
	struct str team = http_request_header(request, "X-Team");

	(void)owner;
	if (http_request_method(request) == HTTP_GET)
		cr_expect_eq(access, ACCESS_TEAM);
	else
		cr_expect_eq(access, ACCESS_CHANGE);
	if (uuid_parse(team, &identity->team) < 0) {
		http_respond_fault(request, HTTP_UNAUTHORIZED, NULL, "who are you");
		return;
	}
	identity->credential = CREDENTIAL_API_KEY;
	identity->has_team = true;
	identity->actor = identity->team;
	identity->role = ROLE_ADMIN;
	snprintf(identity->name, sizeof(identity->name), "a key");
	http_request_authenticated(request);
}

char rig_headers[4096];

struct reply {
	bool is_done;
	int status;
	char *out;
	size_t size;
};

static void on_reply(const struct answer *answer, void *owner)
{
	struct reply *reply = owner;

	cr_assert_eq(answer->fault, ANSWER_OK, "fault %d", answer->fault);
	reply->is_done = true;
	reply->status = answer->status;
	snprintf(reply->out, reply->size, "%.*s", STR_ARGS(answer->body));
	snprintf(rig_headers, sizeof(rig_headers), "%.*s", STR_ARGS(answer->headers));
}

static bool allow_all(const struct sockaddr *address, const void *guard)
{
	(void)address;
	(void)guard;
	return true;
}

static void send_request(struct rig *rig, const char *method, const char *path, const char *team,
			 const char *body, struct reply *reply)
{
	struct outbound_call *call;
	struct outgoing request;

	outgoing_init(&request);
	request.method = method;
	buf_addf(&request.url, "http://127.0.0.1:%d%s", http_server_port(rig->server), path);
	buf_add_text(&request.body, body);
	outgoing_header(&request, "X-Team", str_of(team));
	outgoing_header(&request, "Content-Type", STR("application/json"));
	cr_assert_eq(outbound_send(rig->client, &request, PATIENCE_MS, allow_all, NULL, on_reply,
				   reply, &call),
		     0);
}

int rig_request(struct rig *rig, const char *method, const char *path, const char *team,
		const char *body, char *out, size_t size)
{
	struct reply reply = { .out = out, .size = size };

	send_request(rig, method, path, team, body, &reply);
	rig_turn_until(rig, is_set, &reply.is_done);
	return reply.status;
}

void rig_request_both(struct rig *rig, const char *method, const char *path,
		      const char *const bodies[2], int statuses[2])
{
	char out[64];
	struct reply replies[2] = { { .out = out, .size = sizeof(out) },
				    { .out = out, .size = sizeof(out) } };

	for (int i = 0; i < 2; i++)
		send_request(rig, method, path, TEAM_A, bodies[i], &replies[i]);
	for (int i = 0; i < 2; i++) {
		rig_turn_until(rig, is_set, &replies[i].is_done);
		statuses[i] = replies[i].status;
	}
}

/* ---- opening and closing ------------------------------------------------------------------- */

static void open_server(struct rig *rig)
{
	const struct http_options http = {
		.loop = &rig->loop,
		.host = "127.0.0.1",
		.max_connections = 100,
		.authenticate = authenticate,
	};
	const struct outbound_options client = { .loop = &rig->loop,
						 .max_connections = 4,
						 .user_agent = "test" };
	struct reason why = { .text = "" };

	cr_assert_eq(http_server_open(&http, &rig->server, &why), 0, "%s", why.text);
	cr_assert_eq(channels_add_routes(rig->channels, rig->server), 0);
	cr_assert_eq(views_add_routes(rig->views, rig->server), 0);
	cr_assert_eq(outbound_open(&client, &rig->client), 0);
}

static void open_route(struct rig *rig, const struct rig_options *options)
{
	const struct route_options route = {
		.loop = &rig->loop,
		.max_inflight = options->max_inflight ? options->max_inflight : 16,
		.allow_private = !options->strict,
		.origins = rig->origins,
		.origin_count = options->chat ? ARRAY_LEN(rig->origins) : 0,
	};

	snprintf(rig->origin, sizeof(rig->origin), "http://127.0.0.1:%d",
		 receiver_port(rig->receiver));
	rig->origins[0] = (struct target_origin){ "slack", rig->origin };
	rig->origins[1] = (struct target_origin){ "telegram", rig->origin };
	rig->origins[2] = (struct target_origin){ "matrix", rig->origin };
	cr_assert_eq(route_open(&route, &rig->route), 0);
}

static void open_deliveries(struct rig *rig, const struct rig_options *options)
{
	const struct delivery_options deliveries = {
		.loop = &rig->loop,
		.store = rig->store,
		.route = rig->route->attempts,
		.paces = rig->route->paces,
		.worker = rig->worker,
		.key = rig->key,
		.sends = !options->no_delivery && !options->no_sending,
		.max_inflight = options->max_inflight ? options->max_inflight : 16,
		.unstored_results = options->unstored_results,
		.tick_ms = options->tick_ms ? options->tick_ms : TICK_MS,
		.audit_mode = options->audit_mode,
		.now_us = now_us,
		.mono_us = mono_us,
		.on_held_elsewhere = options->on_held_elsewhere,
		.owner = options->arg,
	};

	cr_assert_eq(deliveries_open(&deliveries, &rig->deliveries), 0);
}

static void open_channels(struct rig *rig, const struct rig_options *options)
{
	const struct channels_options channels = {
		.loop = &rig->loop,
		.store = rig->store,
		.route = rig->route,
		.deliveries = rig->deliveries,
		.key = rig->key,
		.strip_host = options->strip_host,
		.notify_completion = options->notify_completion,
		.audit_mode = options->audit_mode,
		.now_us = now_us,
		.mono_us = mono_us,
	};

	cr_assert_eq(channels_open(&channels, &rig->channels), 0);
}

static void on_work(const struct fresh_rows *fresh, void *owner)
{
	deliveries_take(((struct rig *)owner)->deliveries, fresh);
}

void rig_open_ledger(struct rig *rig, const struct rig_options *options)
{
	const struct ledger_options ledger = {
		.loop = &rig->loop,
		.store = rig->store,
		.worker = rig->worker,
		.group = GROUP,
		.audit_mode = options->audit_mode,
		.deliver = !options->no_delivery,
		.notify_completion = options->notify_completion,
		.strip_host = options->strip_host,
		.now_us = now_us,
		.mono_us = mono_us,
		.tick_ms = options->ledger_tick_ms ? options->ledger_tick_ms : TICK_MS,
		.stream = options->stream,
		.on_work = on_work,
		.owner = rig,
	};

	ledger_close(rig->ledger);
	cr_assert_eq(ledger_open(&ledger, &rig->ledger), 0);
}

static void open_views(struct rig *rig)
{
	const struct views_options views = {
		.store = rig->store,
		.deliveries = rig->deliveries,
		.paces = rig->route->paces,
		.key = rig->key,
		.now_us = now_us,
		.mono_us = mono_us,
	};

	cr_assert_eq(views_open(&views, &rig->views), 0);
}

void rig_open(struct rig *rig, enum database_engine engine, const struct rig_options *options)
{
	memset(rig, 0, sizeof(*rig));
	memset(rig->key, 7, sizeof(rig->key));
	rig->worker = options->worker ? options->worker : "worker-1";
	rig->receiver = receiver_start(options->answer, options->arg, NULL, NULL);
	uv_loop_init(&rig->loop);
	uv_timer_init(&rig->loop, &rig->beat);
	uv_timer_start(&rig->beat, on_beat, 5, 5);
	rig->database = options->database ? *options->database : database_make(engine);
	if (!options->database)
		rig_ask(rig, "INSERT INTO teams (id, name, slug) VALUES ('" TEAM_A "', 'A', 'a'), "
			     "('" TEAM_B "', 'B', 'b')");

	const struct store_options store = {
		.loop = &rig->loop, .url = rig->database.url, .readers = 2, .request_readers = 2
	};

	cr_assert_eq(store_open(&store, &rig->store), 0);
	open_route(rig, options);
	open_deliveries(rig, options);
	open_channels(rig, options);
	rig_open_ledger(rig, options);
	open_views(rig);
	if (!options->database)
		rig_hold_ledger(rig);
	open_server(rig);
}

static void wait_closed(struct rig *rig)
{
	rig_turn_until(rig, is_set, &rig->is_closed);
	rig->is_closed = false;
}

void rig_close(struct rig *rig)
{
	outbound_close(rig->client, on_closed, &rig->is_closed);
	wait_closed(rig);
	http_server_close(rig->server, on_closed, &rig->is_closed);
	wait_closed(rig);
	ledger_close(rig->ledger);
	channels_stop(rig->channels);
	deliveries_close(rig->deliveries, on_closed, &rig->is_closed);
	wait_closed(rig);
	route_close(rig->route, on_closed, &rig->is_closed);
	wait_closed(rig);
	store_close(rig->store, on_closed, &rig->is_closed);
	wait_closed(rig);
	views_close(rig->views);
	channels_close(rig->channels);
	uv_close((uv_handle_t *)&rig->beat, NULL);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&rig->loop), 0, "a handle was left open");
	receiver_stop(rig->receiver);
}
