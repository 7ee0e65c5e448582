/* SPDX-License-Identifier: Apache-2.0 */

/* What a batch leaves in the store, on both engines. What is sent is tested elsewhere. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/marks.h"
#include "ledger/position.h"
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define CHANNEL_2 "22222222-2222-4222-8222-222222222222"
#define CHANNEL_3 "33333333-3333-4333-8333-333333333333"
#define WELL      ",\"outcome\":\"success\""
#define BECAUSE   WELL ",\"metadata\":{\"reason\":\"ttl_expired\"}"

static const struct rig_options options = { .strict = false };

static int64_t deliveries(struct rig *rig)
{
	return rig_ask(rig, "SELECT count(*) FROM deliveries");
}

static int64_t bad_capsules(void)
{
	return metric_value(metric_counter("wrenn_events_ledger_bad_capsules_total", NULL, ""));
}

static int64_t audits(struct rig *rig)
{
	return rig_ask(rig, "SELECT count(*) FROM audit_logs");
}

static void commit_one(struct rig *rig, struct event *event)
{
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	cr_assert_str_eq(rig_rejected(0).text, "");
}

static void commit_rows(struct rig *rig)
{
	char text[128];
	struct event *event = rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS + 5);
	struct stream_id id = event->id;
	char id_text[STREAM_ID_TEXT_SIZE];
	struct uuid channel;
	struct uuid expected;
	char expected_text[UUID_TEXT_SIZE];

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	rig_add_channel(rig, CHANNEL_2, TEAM_A, "two", "host.up");
	rig_add_channel(rig, CHANNEL_3, TEAM_B, "three", "capsule.pause");
	/* another worker holds the channel's lease, so the row stays as it was made */
	rig_ask(rig, "INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
		     "VALUES ('" CHANNEL_1 "', 'other', '2999-01-01T00:00:00.000000Z', "
		     "'2027-01-01T00:00:00.000000Z')");
	commit_one(rig, event);

	cr_expect_eq(deliveries(rig), 1, "one channel of this team wants this kind");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE channel_id = '" CHANNEL_1
				  "' AND team_id = '" TEAM_A "' AND event = 'capsule.pause' "
				  "AND state = 'pending' AND attempts = 0"),
		     1);
	cr_expect_eq(audits(rig), 1);
	stream_id_format(id, id_text);
	cr_assert_eq(uuid_parse(STR(CHANNEL_1), &channel), 0);
	uuid_v8(id, &channel, str_of(id_text), &expected);
	uuid_format(&expected, expected_text);
	rig_ask_text(rig, text, sizeof(text), "SELECT CAST(id AS text) FROM deliveries");
	cr_expect_str_eq(text, expected_text);
	rig_ask_text(rig, text, sizeof(text), "SELECT last_id FROM positions");
	cr_expect_str_eq(text, id_text);
}

Test(ledger, makes_one_audit_row_and_one_delivery_per_matching_channel)
{
	ON_BOTH_STORES(&options, commit_rows);
}

static void commit_twice(struct rig *rig)
{
	struct event *event = rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS);

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(rig_offer(rig, &event, 1), 0);
		cr_assert_str_eq(rig_rejected(0).text, "");
	}
	event_free(event);
	cr_expect_eq(deliveries(rig), 1);
	cr_expect_eq(audits(rig), 1);
}

Test(ledger, changes_nothing_when_a_batch_comes_again)
{
	ON_BOTH_STORES(&options, commit_twice);
}

static void match_old_names(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.running");
	rig_add_channel(rig, CHANNEL_2, TEAM_A, "two", "capsule.resume");
	rig_add_channel(rig, CHANNEL_3, TEAM_A, "three", "something.unknown");
	commit_one(rig, rig_event("capsule.resume", USER, WELL, START_MS));
	cr_expect_eq(deliveries(rig), 2);
}

Test(ledger, matches_subscriptions_under_their_retired_names)
{
	ON_BOTH_STORES(&options, match_old_names);
}

/* Accept and completion, with `gap_ms` between, in one batch or in two. */
static int64_t deliveries_of_pair(struct rig *rig, const char *more, int64_t gap_ms, bool together)
{
	int64_t before = deliveries(rig);
	/* Far after everything earlier, so that pairs do not affect each other. */
	static int64_t at_ms = START_MS;
	struct event *pair[2];

	at_ms += 2 * HOUR_US / 1000;
	pair[0] = rig_event("capsule.pause", USER, more, at_ms);
	pair[1] = rig_event("capsule.pause", SYSTEM, WELL, at_ms + gap_ms);
	if (together) {
		cr_assert_eq(rig_commit(rig, pair, 2), 0);
	} else {
		commit_one(rig, pair[0]);
		commit_one(rig, pair[1]);
	}
	return deliveries(rig) - before;
}

static void suppress_follow_ups(struct rig *rig)
{
	static const struct {
		const char *more;
		int64_t gap_ms;
		int64_t deliveries;
	} cases[] = {
		{ WELL, 1, 1 },
		{ WELL, 0, 1 },
		{ WELL, 15 * 60 * 1000, 1 },
		{ WELL, 15 * 60 * 1000 + 1, 2 },
		{ WELL, 60 * 60 * 1000, 2 },
		/* a refused request accepts nothing */
		{ ",\"outcome\":\"error\",\"error\":\"no\"", 1, 2 },
	};

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int together = 0; together < 2; together++)
			cr_expect_eq(
				deliveries_of_pair(rig, cases[i].more, cases[i].gap_ms, together),
				cases[i].deliveries, "case %zu, %s", i,
				together ? "one batch" : "two batches");
	}
}

Test(ledger, notifies_of_everything_except_a_follow_up)
{
	ON_BOTH_STORES(&options, suppress_follow_ups);
}

static void look_only_back(struct rig *rig)
{
	struct event *pair[2] = {
		rig_event("capsule.pause", SYSTEM, WELL, START_MS),
		rig_event("capsule.pause", USER, WELL, START_MS + 1000),
	};

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	cr_assert_eq(rig_commit(rig, pair, 2), 0);
	cr_expect_eq(deliveries(rig), 2, "the accept came after the completion");
}

Test(ledger, notifies_of_a_completion_whose_accept_comes_after_it)
{
	ON_BOTH_STORES(&options, look_only_back);
}

static void tell_kinds_apart(struct rig *rig)
{
	struct event *events[] = {
		rig_event("capsule.resume", USER, WELL, START_MS),
		rig_event("capsule.pause", SYSTEM, WELL, START_MS + 1),
	};

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	cr_assert_eq(rig_commit(rig, events, 2), 0);
	cr_expect_eq(deliveries(rig), 1, "accepting a resume accepts no pause");
	cr_expect_eq(audits(rig), 2);
}

Test(ledger, ignores_an_accept_of_another_kind)
{
	ON_BOTH_STORES(&options, tell_kinds_apart);
}

static void audit_follow_ups(struct rig *rig)
{
	commit_one(rig, rig_event("capsule.destroy", USER, WELL, START_MS));
	commit_one(rig, rig_event("capsule.destroy", SYSTEM, WELL, START_MS + 1000));
	cr_expect_eq(audits(rig), 1, "the follow-up of an accept has no row");
	commit_one(rig, rig_event("capsule.destroy", SYSTEM, WELL, START_MS + HOUR_US / 1000));
	cr_expect_eq(audits(rig), 2, "a destroy nobody asked for has one");
}

Test(ledger, notes_accepts_for_the_audit_trail)
{
	ON_BOTH_STORES(&options, audit_follow_ups);
}

static void drop_repeats(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS));
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS + 500));
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS + 60000));
	cr_expect_eq(deliveries(rig), 1, "a repeat within a minute");
	cr_expect_eq(audits(rig), 3, "the trail keeps them all");
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS + 60001));
	cr_expect_eq(deliveries(rig), 2, "later it is news again");
	commit_one(rig,
		   rig_event("capsule.pause", SYSTEM,
			     WELL ",\"metadata\":{\"reason\":\"orphaned\"}", START_MS + 60002));
	cr_expect_eq(deliveries(rig), 3, "another reason is no repeat");
	commit_one(rig, rig_event("capsule.pause", USER, WELL, START_MS + 60003));
	commit_one(rig, rig_event("capsule.pause", USER, WELL, START_MS + 60004));
	cr_expect_eq(deliveries(rig), 5, "users may repeat themselves");
}

Test(ledger, drops_exact_repeats_of_system_events)
{
	ON_BOTH_STORES(&options, drop_repeats);
}

/* One channel for each kind, and events that differ in nothing else. A notice of ours needs a rule
 * (test_expected.c). */
static void keep_kinds_apart(struct rig *rig)
{
	int64_t count = 0;

	for (enum event_kind kind = EVENT_UNKNOWN; kind < EVENT_KINDS; kind++) {
		const char *name = event_kind_name(kind);
		char channel[UUID_TEXT_SIZE];

		if (!event_kind_is_subscribable(kind) || kind == EVENT_EXPECTATION_MISSED)
			continue;
		snprintf(channel, sizeof(channel), "11111111-1111-4111-8111-%012u", kind);
		rig_add_channel(rig, channel, TEAM_A, "one", name);
		commit_one(rig, rig_event(name, SYSTEM, BECAUSE, START_MS + kind));
		cr_expect_eq(deliveries(rig), ++count, "%s", name);
	}
}

Test(ledger, takes_no_kind_for_a_repeat_of_another)
{
	ON_BOTH_STORES(&options, keep_kinds_apart);
}

static void drop_repeats_of_one_moment(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS));
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS));
	cr_expect_eq(deliveries(rig), 1, "one after the other in the stream");
}

Test(ledger, drops_repeats_within_a_millisecond_in_another_batch)
{
	ON_BOTH_STORES(&options, drop_repeats_of_one_moment);
}

static void skip_dead_teams(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	rig_ask(rig, "UPDATE teams SET deleted_at = created_at WHERE id = '" TEAM_A "'");
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS));
	cr_expect_eq(deliveries(rig), 0);
	cr_expect_eq(audits(rig), 1);
}

Test(ledger, makes_no_deliveries_for_a_deleted_team)
{
	ON_BOTH_STORES(&options, skip_dead_teams);
}

Test(ledger, makes_no_deliveries_when_they_are_switched_off)
{
	const struct rig_options off = { .no_delivery = true };
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &off);
	rig_add_channel(&rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	commit_one(&rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS));
	cr_expect_eq(deliveries(&rig), 0);
	cr_expect_eq(audits(&rig), 1);
	rig_close(&rig);
}

/* ---- payloads ------------------------------------------------------------------------------ */

static void keep_payload(struct rig *rig)
{
	char text[4096];

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	commit_one(rig,
		   rig_event("capsule.pause", SYSTEM, BECAUSE ",\"later\":\"\\u003c\"", START_MS));
	rig_ask_text(rig, text, sizeof(text),
		     strncmp(rig->database.url, "sqlite", 6) == 0
			     ? "SELECT CAST(payload AS text) FROM deliveries"
			     : "SELECT convert_from(payload, 'UTF8') FROM deliveries");
	cr_expect_str_eq(text,
			 "{\"event\":\"capsule.pause\",\"timestamp\":\"2027-01-15T08:00:00Z\","
			 "\"team_id\":\"" TEAM_A_ID "\",\"actor\":{\"type\":\"system\"},"
			 "\"resource\":{\"id\":\"" CAPSULE_ID "\",\"type\":\"sandbox\"},"
			 "\"outcome\":\"success\",\"metadata\":{\"reason\":\"ttl_expired\"},"
			 "\"later\":\"\\u003c\"}",
			 "the publisher's own bytes");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE outcome = 'success' "
				  "AND resource = '" CAPSULE_ID "'"),
		     1);
}

Test(ledger, keeps_the_publishers_bytes)
{
	ON_BOTH_STORES(&options, keep_payload);
}

/* ---- the position -------------------------------------------------------------------------- */

static int64_t position_ms(struct rig *rig)
{
	return rig_ask(rig, "SELECT last_ms FROM positions");
}

static int64_t position_seq(struct rig *rig)
{
	return rig_ask(rig, "SELECT last_seq FROM positions");
}

static void move_position(struct rig *rig)
{
	int64_t seq;

	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM positions"), 0);
	cr_expect_eq(rig_commit(rig, NULL, 0), 0, "an empty batch");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM positions WHERE last_id = '0-0'"), 1,
		     "a group is known before its first event");
	commit_one(rig, rig_event("capsule.pause", USER, WELL, START_MS + 10));
	cr_expect_eq(position_ms(rig), START_MS + 10);
	seq = position_seq(rig);
	commit_one(rig, rig_event("capsule.pause", USER, WELL, START_MS + 9));
	cr_expect_eq(position_ms(rig), START_MS + 10, "it went back");
	commit_one(rig, rig_event("capsule.pause", USER, WELL, START_MS + 10));
	cr_expect_gt(position_seq(rig), seq, "same millisecond, next number");
	cr_expect_eq(rig_commit(rig, NULL, 0), 0);
	cr_expect_eq(position_ms(rig), START_MS + 10);
}

Test(ledger, moves_the_position_forward_only)
{
	ON_BOTH_STORES(&options, move_position);
}

/* ---- poison -------------------------------------------------------------------------------- */

static void reject_the_culprit(struct rig *rig)
{
	struct event *events[3] = {
		rig_event("capsule.pause", USER, WELL, START_MS + 1),
		rig_event("capsule.pause", USER, WELL, INT64_MAX),
		rig_event("capsule.pause", USER, WELL, START_MS + 3),
	};

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	cr_assert_eq(rig_commit(rig, events, 3), 0);
	cr_expect_str_eq(rig_rejected(0).text, "");
	cr_expect_gt(strlen(rig_rejected(1).text), 0);
	cr_expect_str_eq(rig_rejected(2).text, "");
	cr_expect_eq(deliveries(rig), 2);
	cr_expect_eq(audits(rig), 2);
}

Test(ledger, rejects_an_id_no_column_can_hold)
{
	ON_BOTH_STORES(&options, reject_the_culprit);
}

/* A trigger that refuses one kind, as an example of what a store may refuse. */
static void poison(struct rig *rig)
{
	if (strncmp(rig->database.url, "sqlite", 6) == 0) {
		rig_ask(rig, "CREATE TRIGGER poison BEFORE INSERT ON audit_logs "
			     "WHEN NEW.action = 'resume' BEGIN "
			     "INSERT INTO teams (id, name, slug) VALUES (NEW.team_id, 'x', 'x'); "
			     "END");
		return;
	}
	rig_ask(rig, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
		     "'BEGIN IF NEW.action = ''resume'' THEN RAISE unique_violation; END IF; "
		     "RETURN NEW; END'");
	rig_ask(rig, "CREATE TRIGGER poison BEFORE INSERT ON audit_logs FOR EACH ROW "
		     "EXECUTE FUNCTION refuse()");
}

static void commit_around_poison(struct rig *rig)
{
	enum { EVENTS = 9, CULPRIT = 4 };
	struct event *events[EVENTS];

	poison(rig);
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	for (int i = 0; i < EVENTS; i++)
		events[i] = rig_event(i == CULPRIT ? "capsule.resume" : "capsule.pause", USER, WELL,
				      START_MS + i);
	cr_assert_eq(rig_commit(rig, events, EVENTS), 0);
	for (size_t i = 0; i < EVENTS; i++)
		cr_expect_eq(rig_rejected(i).text[0] != '\0', i == CULPRIT, "event %zu: %s", i,
			     rig_rejected(i).text);
	cr_expect_eq(audits(rig), EVENTS - 1);
	cr_expect_eq(deliveries(rig), EVENTS - 1);
	cr_expect_eq(position_ms(rig), START_MS + EVENTS - 1);
}

Test(ledger, commits_around_an_event_the_store_refuses)
{
	ON_BOTH_STORES(&options, commit_around_poison);
}

static void blame_the_store(struct rig *rig)
{
	struct event *event = rig_event("capsule.pause", USER, WELL, START_MS);

	rig_ask(rig, "DROP TABLE positions");
	rig_ask(rig, "DROP TABLE audit_logs");
	cr_assert_lt(rig_commit(rig, &event, 1), 0);
	cr_expect_str_eq(rig_rejected(0).text, "", "the event is not to blame");
}

Test(ledger, blames_no_event_when_not_even_the_position_can_be_stored)
{
	ON_BOTH_STORES(&options, blame_the_store);
}

Test(ledger, fails_as_a_whole_while_the_store_is_away)
{
	struct database nowhere = { .url = "postgres:///none?host=/nonexistent&user=nobody" };
	const struct rig_options away = { .database = &nowhere };
	struct event *event = rig_event("capsule.pause", USER, WELL, START_MS);
	struct rig rig;

	rig_open(&rig, DATABASE_POSTGRES, &away);
	cr_assert_eq(rig_commit(&rig, &event, 1), -ENOTCONN);
	cr_expect_str_eq(rig_rejected(0).text, "");
	rig_close(&rig);
}

/* ---- capsules ------------------------------------------------------------------------------ */

#define SANDBOX(status, updated)                                                               \
	WELL ",\"sandbox\":{\"id\":\"" CAPSULE_ID "\",\"status\":\"" status                    \
	     "\",\"template\":\"base\",\"vcpus\":2,\"memory_mb\":512,\"timeout_sec\":60,"      \
	     "\"disk_size_mb\":5120,\"created_at\":\"2027-01-15T08:00:00Z\",\"last_updated\":" \
	     "\"" updated "\",\"metadata\":{\"a\":\"b\"}}"

Test(ledger, keeps_capsules_from_events_in_the_embedded_store_only)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;
		char text[256];

		rig_open(&rig, (enum database_engine)engine, &options);
		commit_one(&rig, rig_event("capsule.pause", USER,
					   SANDBOX("pausing", "2027-01-15T08:00:05Z"), START_MS));
		cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM sandboxes"),
			     engine == DATABASE_SQLITE);
		if (engine == DATABASE_SQLITE) {
			rig_ask_text(&rig, text, sizeof(text),
				     "SELECT status || ' ' || team_id || ' ' || metadata || ' ' || "
				     "vcpus FROM sandboxes");
			cr_expect_str_eq(text, "pausing " TEAM_A " {\"a\":\"b\"} 2");
			/* newer wins, older does not */
			commit_one(&rig, rig_event("capsule.pause", SYSTEM,
						   SANDBOX("paused", "2027-01-15T08:00:06Z"),
						   START_MS + 1));
			commit_one(&rig, rig_event("capsule.pause", SYSTEM,
						   SANDBOX("running", "2027-01-15T08:00:01Z"),
						   START_MS + 2));
			rig_ask_text(&rig, text, sizeof(text), "SELECT status FROM sandboxes");
			cr_expect_str_eq(text, "paused");
			/* another team cannot take it */
			rig_ask(&rig, "UPDATE sandboxes SET team_id = '" TEAM_B "'");
			commit_one(&rig, rig_event("capsule.pause", SYSTEM,
						   SANDBOX("error", "2027-01-15T08:00:09Z"),
						   START_MS + 3));
			rig_ask_text(&rig, text, sizeof(text), "SELECT status FROM sandboxes");
			cr_expect_str_eq(text, "paused");
		}
		rig_close(&rig);
	}
}

Test(ledger, ignores_malformed_capsules_and_keeps_the_event)
{
	static const char *const objects[] = {
		"{}",
		"{\"id\":\"" CAPSULE_ID "\"}",
		/* another capsule's */
		"{\"id\":\"cl-0x5yg3bfyrehlas5fmd3rslxq\",\"status\":\"paused\",\"template\":\"b\","
		"\"vcpus\":1,\"memory_mb\":1,\"timeout_sec\":1,\"disk_size_mb\":1,\"created_at\":"
		"\"2027-01-15T08:00:00Z\",\"last_updated\":\"2027-01-15T08:00:00Z\"}",
		"{\"id\":\"" CAPSULE_ID "\",\"status\":\"dancing\",\"template\":\"b\",\"vcpus\":1,"
		"\"memory_mb\":1,\"timeout_sec\":1,\"disk_size_mb\":1,\"created_at\":"
		"\"2027-01-15T08:00:00Z\",\"last_updated\":\"2027-01-15T08:00:00Z\"}",
		"{\"id\":\"" CAPSULE_ID "\",\"status\":\"paused\",\"template\":\"b\",\"vcpus\":-1,"
		"\"memory_mb\":1,\"timeout_sec\":1,\"disk_size_mb\":1,\"created_at\":"
		"\"2027-01-15T08:00:00Z\",\"last_updated\":\"2027-01-15T08:00:00Z\"}",
		"{\"id\":\"" CAPSULE_ID
		"\",\"status\":\"paused\",\"template\":\"b\",\"vcpus\":1e300,"
		"\"memory_mb\":1,\"timeout_sec\":1,\"disk_size_mb\":1,\"created_at\":"
		"\"2027-01-15T08:00:00Z\",\"last_updated\":\"2027-01-15T08:00:00Z\"}",
		"{\"id\":\"" CAPSULE_ID
		"\",\"status\":\"paused\",\"template\":\"b\",\"vcpus\":\"1\","
		"\"memory_mb\":1,\"timeout_sec\":1,\"disk_size_mb\":1,\"created_at\":"
		"\"2027-01-15T08:00:00Z\",\"last_updated\":\"2027-01-15T08:00:00Z\"}",
		"{\"id\":\"" CAPSULE_ID "\",\"status\":\"paused\",\"template\":\"b\",\"vcpus\":1,"
		"\"memory_mb\":1,\"timeout_sec\":1,\"disk_size_mb\":1,\"created_at\":"
		"\"yesterday\",\"last_updated\":\"2027-01-15T08:00:00Z\"}",
	};
	struct rig rig;
	int64_t before;

	rig_open(&rig, DATABASE_SQLITE, &options);
	before = bad_capsules();
	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		struct buf more;

		buf_init(&more, 4096);
		buf_addf(&more, WELL ",\"sandbox\":%s", objects[i]);
		commit_one(&rig, rig_event("capsule.pause", USER, buf_text(&more),
					   START_MS + (int64_t)i));
		buf_done(&more);
	}
	cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM sandboxes"), 0);
	cr_expect_eq(bad_capsules() - before, (int64_t)ARRAY_LEN(objects));
	cr_expect_eq(audits(&rig), (int64_t)ARRAY_LEN(objects));
	rig_close(&rig);
}

/* ---- size ---------------------------------------------------------------------------------- */

static void commit_many(struct rig *rig)
{
	enum { EVENTS = 2000 };
	static struct event *events[EVENTS];

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	rig_add_channel(rig, CHANNEL_2, TEAM_A, "two", "capsule.pause");
	for (int i = 0; i < EVENTS; i++)
		events[i] = rig_event("capsule.pause", i % 2 ? SYSTEM : USER, WELL, START_MS + i);
	cr_assert_eq(rig_commit(rig, events, EVENTS), 0);
	cr_expect_eq(deliveries(rig), EVENTS, "half are follow-ups, the rest go to two channels");
}

Test(ledger, commits_a_large_batch_at_once)
{
	ON_BOTH_STORES(&options, commit_many);
}
