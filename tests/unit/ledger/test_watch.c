/* SPDX-License-Identifier: Apache-2.0 */

/* Which worker reports a missed event, when, and how often: on both engines, with a stream that the
 * test plays. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define WELL      ",\"outcome\":\"success\""
#define HOST_RULE                                                         \
	"{\"after\":{\"event\":[\"host.down\"]},\"without\":{\"event\":[" \
	"\"host.up\"]},\"within_s\":600}"
#define SNAPSHOT_RULE                                             \
	"{\"after\":{\"request\":\"template.snapshot.create\"},"  \
	"\"without\":{\"event\":[\"template.snapshot.create\"]}," \
	"\"within_s\":900}"
#define WITHIN_MS 600000
#define MAX_ADDED 8

/* The stream, whose clock stops until the test moves it. */
static struct {
	uv_timer_t timer; /* answers never come from within */
	struct bus_moment_query *query;
	struct bus_moment moment;
	bool is_silent; /* answers nothing */
	bool is_full;   /* refuses additions */
	unsigned asked;
	unsigned refused;
	size_t added;
	char json[MAX_ADDED][2048];
	void (*on_added)(const char *fault, void *owner);
	void *adder;
	size_t unanswered; /* additions */
} stream;

static void on_answer_time(uv_timer_t *timer)
{
	struct bus_moment_query *query = stream.query;

	(void)timer;
	for (; stream.unanswered; stream.unanswered--)
		stream.on_added(stream.is_full ? "OOM" : NULL, stream.adder);
	if (!query || stream.is_silent)
		return;
	stream.query = NULL;
	query->on_answer(&stream.moment, query->owner);
}

static int ask(struct bus_moment_query *query, void *owner)
{
	(void)owner;
	stream.asked++;
	stream.query = query;
	uv_timer_start(&stream.timer, on_answer_time, 0, 0);
	return 0;
}

static int add(struct str json, void (*on_added)(const char *fault, void *owner), void *adder,
	       void *owner)
{
	(void)owner;
	stream.on_added = on_added;
	stream.adder = adder;
	stream.unanswered++;
	uv_timer_start(&stream.timer, on_answer_time, 0, 0);
	if (stream.is_full) {
		stream.refused++;
		return 0;
	}
	cr_assert_lt(stream.added, MAX_ADDED);
	snprintf(stream.json[stream.added++], sizeof(stream.json[0]), "%.*s", STR_ARGS(json));
	stream.moment.newest =
		(struct stream_id){ .ms = (uint64_t)stream.moment.now_ms, .seq = stream.added };
	return 0;
}

static const struct rig_options options = { .ledger_tick_ms = 4,
					    .stream = { .ask = ask, .add = add } };

/* ---- the worker ------------------------------------------------------------------------------ */

static void on_lead(bool known, struct stream_id last, void *owner)
{
	(void)known;
	(void)last;
	(void)owner;
}

static void on_stand_by(void *owner)
{
	(void)owner;
}

static void on_stopped(void *owner)
{
	*(bool *)owner = true;
}

static bool is_leading(struct rig *rig, void *arg)
{
	(void)arg;
	return ledger_runs(rig->ledger, 0);
}

static bool is_true(struct rig *rig, void *arg)
{
	(void)rig;
	return *(bool *)arg;
}

static void start(struct rig *rig)
{
	const struct lease_events events = { .on_lead = on_lead, .on_stand_by = on_stand_by };

	cr_assert_eq(ledger_start(rig->ledger, &events), 0);
	rig_turn_until(rig, is_leading, NULL);
}

static void stop(struct rig *rig)
{
	bool is_stopped = false;

	ledger_stop(rig->ledger, on_stopped, &is_stopped);
	rig_turn_until(rig, is_true, &is_stopped);
}

static void begin(struct rig *rig)
{
	memset(&stream, 0, sizeof(stream));
	uv_timer_init(&rig->loop, &stream.timer);
	stream.moment = (struct bus_moment){ .is_known = true, .now_ms = START_MS };
	rig_ask(rig, "DELETE FROM ledger_leases");
	start(rig);
}

static void end(struct rig *rig)
{
	stop(rig);
	uv_close((uv_handle_t *)&stream.timer, NULL);
}

/* ---- the stream ------------------------------------------------------------------------------ */

static void pass(struct rig *rig, int64_t ms)
{
	(void)rig;
	stream.moment.now_ms += ms;
	rig_now_us += ms * 1000;
}

/* An event of now, which the ledger reads. */
static void happen(struct rig *rig, const char *kind, const char *more)
{
	struct event *event = rig_event(kind, SYSTEM, more, stream.moment.now_ms);

	if (stream_id_compare(event->id, stream.moment.newest) > 0)
		stream.moment.newest = event->id;
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
}

/* The ledger reads the notice that was added at this place. */
static struct event *read_notice(struct rig *rig, size_t at)
{
	struct event *event = NULL;
	struct reason why = { .text = "" };
	const struct stream_id id = { .ms = (uint64_t)stream.moment.now_ms, .seq = 1000 + at };

	cr_assert_lt(at, stream.added);
	cr_assert_eq(event_parse(str_of(stream.json[at]), id, &event, &why), 0, "%s", why.text);
	if (stream_id_compare(id, stream.moment.newest) > 0)
		stream.moment.newest = id;
	cr_assert_eq(rig_offer(rig, &event, 1), 0);
	return event;
}

static bool has_asked(struct rig *rig, void *arg)
{
	(void)rig;
	return stream.asked >= *(unsigned *)arg;
}

/* Until a whole look has ended that began after this call. */
static void look(struct rig *rig)
{
	unsigned asked = stream.asked + 3;

	rig_turn_until(rig, has_asked, &asked);
}

static bool has_added(struct rig *rig, void *arg)
{
	(void)rig;
	return stream.added >= *(size_t *)arg;
}

static void wait_added(struct rig *rig, size_t count)
{
	rig_turn_until(rig, has_added, &count);
}

static void add_rule(struct rig *rig, const char *name, const char *json, int is_of_request)
{
	rig_ask(rig,
		"INSERT INTO expectation_rules (team_id, name, rule, is_of_request, changed_at) "
		"VALUES ('" TEAM_A "', '%s', '%s', %d, '2027-01-01T00:00:00.000000Z')",
		name, json, is_of_request);
	rig_ask(rig, "UPDATE expectation_version SET version = version + 1");
}

static int64_t count(struct rig *rig, const char *from)
{
	return rig_ask(rig, "SELECT count(*) FROM %s", from);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void tell_and_take_back(struct rig *rig)
{
	struct event *event;

	begin(rig);
	add_rule(rig, "host", HOST_RULE, 0);
	happen(rig, "host.down", "");
	pass(rig, WITHIN_MS - 1);
	look(rig);
	cr_expect_eq(stream.added, 0, "not yet due");
	pass(rig, 1);
	wait_added(rig, 1);
	look(rig);
	cr_expect_eq(stream.added, 1, "it is in the stream and was not read");
	event = read_notice(rig, 0);
	cr_expect_eq(event->kind, EVENT_EXPECTATION_MISSED);
	cr_expect_eq(event->outcome, OUTCOME_ERROR);
	cr_expect(str_is(event->error, "down since 08:00 UTC, not up after 10 min"), "%s",
		  event->error.at);
	cr_expect(str_is(event->resource_id, CAPSULE_ID));
	cr_expect(str_is(event->resource_type, "host"));
	event_free(event);
	look(rig);
	cr_expect_eq(stream.added, 1, "it was already reported");
	pass(rig, 5000);
	happen(rig, "host.up", "");
	wait_added(rig, 2);
	event = read_notice(rig, 1);
	cr_expect_eq(event->outcome, OUTCOME_SUCCESS);
	cr_expect(str_is(event_metadata(event, "late_s"), "5"), "%s", stream.json[1]);
	cr_expect_eq(event->error.len, 0);
	event_free(event);
	look(rig);
	cr_expect_eq(stream.added, 2);
	cr_expect_eq(count(rig, "expectations"), 0);
	end(rig);
}

Test(watch, tells_once_and_takes_back_once)
{
	ON_BOTH_STORES(&options, tell_and_take_back);
}

static bool is_not_leading(struct rig *rig, void *arg)
{
	return !is_leading(rig, arg);
}

/* Acts as a worker that was frozen between its query and the judgement. */
static void lose_the_lease(struct rig *rig)
{
	unsigned asked;

	begin(rig);
	add_rule(rig, "host", HOST_RULE, 0);
	happen(rig, "host.down", "");
	stream.is_silent = true;
	asked = stream.asked + 1;
	rig_turn_until(rig, has_asked, &asked);
	pass(rig, WITHIN_MS);
	rig_turn_until(rig, is_leading, NULL);
	rig_ask(rig, "UPDATE ledger_leases SET owner = 'another'");
	stream.is_silent = false;
	uv_timer_start(&stream.timer, on_answer_time, 0, 0);
	rig_turn_until(rig, is_not_leading, NULL);
	rig_idle(rig);
	cr_expect_eq(stream.added, 0, "it is for the other worker to tell");
	rig_ask(rig, "DELETE FROM ledger_leases");
	wait_added(rig, 1);
	end(rig);
}

Test(watch, tells_nothing_without_the_lease)
{
	ON_BOTH_STORES(&options, lose_the_lease);
}

static void wait_for_the_ledger(struct rig *rig)
{
	struct event *up;

	begin(rig);
	add_rule(rig, "host", HOST_RULE, 0);
	happen(rig, "host.down", "");
	up = rig_event("host.up", SYSTEM, "", stream.moment.now_ms + WITHIN_MS - 1);
	stream.moment.newest = up->id;
	pass(rig, 2 * WITHIN_MS);
	unsigned asked = 1;
	rig_turn_until(rig, has_asked, &asked);
	rig_idle(rig);
	cr_expect_eq(stream.added, 0, "an entry of the stream was not read");
	cr_assert_eq(rig_commit(rig, &up, 1), 0);
	look(rig);
	cr_expect_eq(stream.added, 0, "it was in time");
	end(rig);
}

Test(watch, judges_only_when_the_ledger_has_read_everything)
{
	ON_BOTH_STORES(&options, wait_for_the_ledger);
}

/* A kill between the addition and its reading, and one after the reading. */
static void start_again(struct rig *rig)
{
	begin(rig);
	add_rule(rig, "host", HOST_RULE, 0);
	happen(rig, "host.down", "");
	pass(rig, WITHIN_MS);
	wait_added(rig, 1);
	stop(rig);
	rig_open_ledger(rig, &options);
	start(rig);
	unsigned asked = stream.asked + 1;
	rig_turn_until(rig, has_asked, &asked);
	rig_idle(rig);
	cr_expect_eq(stream.added, 1, "the notice waits in the stream");
	event_free(read_notice(rig, 0));
	stop(rig);
	rig_open_ledger(rig, &options);
	start(rig);
	look(rig);
	cr_expect_eq(stream.added, 1);
	cr_expect_eq(count(rig, "audit_logs WHERE action = 'overdue'"), 1);
	end(rig);
}

Test(watch, tells_once_across_restarts)
{
	ON_BOTH_STORES(&options, start_again);
}

static void lose_the_notice(struct rig *rig)
{
	struct stream_id before;

	begin(rig);
	add_rule(rig, "host", HOST_RULE, 0);
	happen(rig, "host.down", "");
	pass(rig, WITHIN_MS);
	before = stream.moment.newest;
	stream.is_full = true;
	look(rig);
	cr_expect_gt(stream.refused, 1, "every look tries again");
	stream.is_full = false;
	wait_added(rig, 1);
	stream.moment.newest = before; /* a replica without it took over */
	wait_added(rig, 2);
	event_free(read_notice(rig, 1));
	event_free(read_notice(rig, 0));
	cr_expect_eq(count(rig, "audit_logs WHERE action = 'overdue'"), 1,
		     "the lost one came back");
	end(rig);
}

Test(watch, tells_again_what_redis_refused_or_lost)
{
	ON_BOTH_STORES(&options, lose_the_notice);
}

static void ignore_stale_rows(struct rig *rig)
{
	begin(rig);
	add_rule(rig, "host", HOST_RULE, 0);
	happen(rig, "host.down", "");
	rig_ask(rig, "UPDATE expectation_rules SET changed_at = '2027-01-02T00:00:00.000000Z'");
	pass(rig, WITHIN_MS);
	rig_wait_rows(rig, 0, "expectations");
	rig_ask(rig,
		"INSERT INTO expectations VALUES ('" TEAM_A
		"','host','old','2027-01-02T00:00:00.000000Z',1,0,%lld,0)",
		(long long)stream.moment.now_ms);
	look(rig);
	cr_expect_eq(count(rig, "expectations"), 1, "a miss is remembered");
	pass(rig, INT64_C(7) * 24 * 3600 * 1000);
	rig_wait_rows(rig, 0, "expectations");
	cr_expect_eq(stream.added, 0);
	end(rig);
}

Test(watch, removes_rows_of_other_rules_and_misses_of_last_week)
{
	ON_BOTH_STORES(&options, ignore_stale_rows);
}

/* ---- clocks ---------------------------------------------------------------------------------- */

static void set_the_clock(struct rig *rig)
{
	begin(rig);
	add_rule(rig, "host", HOST_RULE, 0);
	happen(rig, "host.down", "");
	look(rig);
	stream.moment.now_ms += 86400000; /* nothing passed */
	look(rig);
	cr_expect_eq(stream.added, 0, "the clock was set forward");
	pass(rig, WITHIN_MS - 1);
	look(rig);
	cr_expect_eq(stream.added, 0);
	pass(rig, 1);
	wait_added(rig, 1);
	event_free(read_notice(rig, 0));
	pass(rig, 60000);
	happen(rig, "host.down", "");
	look(rig);
	stream.moment.now_ms -= 3600000;
	look(rig);
	pass(rig, WITHIN_MS);
	wait_added(rig, 2);
	end(rig);
}

Test(watch, of_a_clock_that_is_set_tells_after_the_time_of_the_rule)
{
	ON_BOTH_STORES(&options, set_the_clock);
}

static void set_our_clock(struct rig *rig)
{
	begin(rig);
	add_rule(rig, "host", HOST_RULE, 0);
	happen(rig, "host.down", "");
	look(rig);
	rig_set_clock(24 * HOUR_US);
	look(rig);
	cr_expect_eq(stream.added, 0);
	end(rig);
}

Test(watch, does_not_use_our_clock)
{
	ON_BOTH_STORES(&options, set_our_clock);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void request_at(struct rig *rig, const char *id, const char *name, const char *at,
		       const char *actor)
{
	rig_ask(rig,
		"INSERT INTO audit_logs (id, team_id, actor_type, resource_type, resource_id, "
		"action, created_at) VALUES ('%s', '" TEAM_A "', '%s', 'snapshot', '%s', "
		"'create', '%s')",
		id, actor, name, at);
}

static void end_snapshot(struct rig *rig, const char *name)
{
	struct event *event = NULL;
	struct reason why = { .text = "" };
	struct buf json;

	buf_init(&json, 4096);
	buf_addf(&json,
		 "{\"event\":\"template.snapshot.create\",\"timestamp\":\"2027-01-15T08:00:00Z\","
		 "\"team_id\":\"" TEAM_A_ID "\",\"actor\":" SYSTEM
		 ",\"resource\":{\"id\":\"%s\",\"type\":\"snapshot\"}" WELL "}",
		 name);
	stream.moment.newest =
		(struct stream_id){ .ms = (uint64_t)stream.moment.now_ms, .seq = 9999 };
	cr_assert_eq(event_parse(buf_str(&json), stream.moment.newest, &event, &why), 0);
	buf_done(&json);
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
}

#define REQUEST(n) "00000000-0000-4000-8000-00000000000" n
#define OUR_ROW(n) "00000000-0000-8000-8000-00000000000" n

static void watch_snapshots(struct rig *rig)
{
	struct event *event;

	begin(rig);
	happen(rig, "host.up", ""); /* the ledger's position is known */
	add_rule(rig, "snapshot", SNAPSHOT_RULE, 1);
	request_at(rig, REQUEST("1"), "lost", "2027-01-15T07:50:00.000000Z", "user");
	request_at(rig, REQUEST("2"), "done", "2027-01-15T07:58:00.000000Z", "api_key");
	request_at(rig, REQUEST("3"), "lost", "2027-01-15T07:55:00.000000Z", "user");
	request_at(rig, REQUEST("4"), "system", "2027-01-15T07:58:00.000000Z", "system");
	request_at(rig, REQUEST("5"), "old", "2027-01-13T07:58:00.000000Z", "user");
	request_at(rig, OUR_ROW("6"), "ours", "2027-01-15T07:58:00.000000Z", "user");
	rig_wait_rows(rig, 2, "expectations");
	cr_expect_eq(rig_ask(rig, "SELECT due_ms FROM expectations WHERE resource = 'lost'"),
		     START_MS - 600000 + 900000, "the first request of a name counts");
	end_snapshot(rig, "done");
	look(rig);
	cr_expect_eq(count(rig, "expectations"), 1);
	pass(rig, 300000);
	wait_added(rig, 1);
	event = read_notice(rig, 0);
	cr_expect(str_is(event->resource_id, "lost"));
	cr_expect(str_is(event->resource_type, "snapshot"));
	cr_expect(str_is(event->error, "asked for at 07:50 UTC, no outcome after 15 min"), "%s",
		  event->error.at);
	event_free(event);
	end_snapshot(rig, "lost");
	wait_added(rig, 2);
	end(rig);
}

Test(watch, knows_requests_for_snapshots_from_the_trail)
{
	ON_BOTH_STORES(&options, watch_snapshots);
}

static void ignore_requests_before_the_rule(struct rig *rig)
{
	begin(rig);
	happen(rig, "host.up", "");
	add_rule(rig, "snapshot", SNAPSHOT_RULE, 1);
	rig_ask(rig, "UPDATE expectation_rules SET changed_at = '2027-01-15T07:50:00.000000Z'");
	request_at(rig, REQUEST("1"), "before", "2027-01-15T07:49:59.000000Z", "user");
	request_at(rig, REQUEST("2"), "after", "2027-01-15T07:50:01.000000Z", "user");
	rig_wait_rows(rig, 1, "expectations");
	cr_expect_eq(count(rig, "expectations WHERE resource = 'after'"), 1);
	end(rig);
}

Test(watch, ignores_requests_from_before_the_rule)
{
	ON_BOTH_STORES(&options, ignore_requests_before_the_rule);
}

/* The rules of a team share what is read, and each keeps its own beginning. */
static void wait_by_several_rules(struct rig *rig)
{
	begin(rig);
	happen(rig, "host.up", "");
	request_at(rig, REQUEST("1"), "one", "2027-01-15T07:50:00.000000Z", "user");
	request_at(rig, REQUEST("2"), "two", "2027-01-15T07:55:00.000000Z", "user");
	rig_ask(rig,
		"INSERT INTO expectation_rules (team_id, name, rule, is_of_request, "
		"changed_at) VALUES "
		"('" TEAM_A "', 'early', '" SNAPSHOT_RULE "', 1, '2027-01-15T07:00:00.000000Z'), "
		"('" TEAM_A "', 'late', '" SNAPSHOT_RULE "', 1, '2027-01-15T07:52:00.000000Z'), "
		"('" TEAM_A "', 'latest', '" SNAPSHOT_RULE "', 1, '2027-01-15T07:59:00.000000Z'), "
		"('" TEAM_B "', 'of others', '" SNAPSHOT_RULE
		"', 1, '2027-01-15T07:00:00.000000Z')");
	rig_wait_rows(rig, 3, "expectations");
	cr_expect_eq(count(rig, "expectations WHERE rule = 'early'"), 2);
	cr_expect_eq(count(rig, "expectations WHERE rule = 'late' AND resource = 'two'"), 1);
	end(rig);
}

Test(watch, reads_requests_once_for_all_rules_of_a_team)
{
	ON_BOTH_STORES(&options, wait_by_several_rules);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void stop_while_asked(struct rig *rig)
{
	begin(rig);
	happen(rig, "host.up", "");
	add_rule(rig, "host", HOST_RULE, 0);
	stream.is_silent = true;
	unsigned asked = 1;
	rig_turn_until(rig, has_asked, &asked);
	rig_idle(rig);
	cr_expect_eq(stream.asked, 1, "one query at a time");
	bool is_stopped = false;
	ledger_stop(rig->ledger, on_stopped, &is_stopped);
	rig_idle(rig);
	cr_expect_not(is_stopped, "the answer may still come");
	stream.is_silent = false;
	uv_timer_start(&stream.timer, on_answer_time, 0, 0);
	rig_turn_until(rig, is_true, &is_stopped);
	uv_close((uv_handle_t *)&stream.timer, NULL);
}

Test(watch, ends_after_the_answer_of_redis)
{
	ON_BOTH_STORES(&options, stop_while_asked);
}
