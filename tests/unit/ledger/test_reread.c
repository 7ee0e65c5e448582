/* SPDX-License-Identifier: Apache-2.0 */

/* Entries that are read again: identical ones change nothing; different ones with the same ids are
 * refused. */
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define CHANNEL_2 "22222222-2222-4222-8222-222222222222"
#define WELL      ",\"outcome\":\"success\""
#define HOSTED    WELL ",\"metadata\":{\"host_ip\":\"10.0.0.1\",\"reason\":\"ttl_expired\"}"
#define EXPIRED   WELL ",\"metadata\":{\"reason\":\"ttl_expired\"}"
#define ORPHANED  WELL ",\"metadata\":{\"reason\":\"orphaned\"}"

static int64_t count(struct rig *rig, const char *table)
{
	return rig_ask(rig, "SELECT count(*) FROM %s", table);
}

/* Commits the event under this id and says whether it was refused. */
static bool is_refused(struct rig *rig, struct event *event, struct stream_id id)
{
	event->id = id;
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	return rig_rejected(0).text[0] != '\0';
}

static int64_t reused_ids(void)
{
	return metric_value(metric_counter("wrenn_events_ledger_reused_ids_total", NULL, ""));
}

static struct event *pause_by(const char *actor, const char *more)
{
	return rig_event("capsule.pause", actor, more, START_MS);
}

static void refuse_others(struct rig *rig)
{
	const struct stream_id id = { .ms = START_MS, .seq = 3 };
	int64_t before = reused_ids();

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	cr_expect_not(is_refused(rig, pause_by(SYSTEM, HOSTED), id));
	cr_expect_not(is_refused(rig, pause_by(SYSTEM, HOSTED), id), "the same again");
	cr_expect(is_refused(rig, pause_by(SYSTEM, ORPHANED), id), "another reason");
	cr_expect(is_refused(rig, pause_by(USER, WELL), id), "another actor");
	cr_expect(is_refused(rig, rig_event("capsule.resume", USER, WELL, START_MS), id),
		  "another kind, which no channel wants");
	cr_expect_eq(reused_ids(), before + 3);
	cr_expect_eq(count(rig, "deliveries"), 1);
	cr_expect_eq(count(rig, "audit_logs"), 1);
	cr_expect_eq(count(rig, "accepts"), 1, "what is refused leaves no mark");
}

Test(reread, refuses_another_event_under_a_committed_id)
{
	static const struct rig_options options = { .strict = false };

	ON_BOTH_STORES(&options, refuse_others);
}

/* Only the stored rows of an event decide, not the audit trail or its position alone. */
static void take_what_left_nothing(struct rig *rig)
{
	const struct stream_id id = { .ms = START_MS, .seq = 3 };
	struct event *later = rig_event("capsule.pause", SYSTEM, EXPIRED, START_MS + 1000);

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	cr_assert_eq(rig_commit(rig, &later, 1), 0);
	cr_expect_not(is_refused(rig, pause_by(USER, WELL), id), "never committed, though older");
	cr_expect_eq(count(rig, "deliveries"), 2);
	cr_expect_eq(count(rig, "audit_logs"), 2);
}

Test(reread, takes_an_older_event_that_was_never_committed)
{
	static const struct rig_options options = { .strict = false };

	ON_BOTH_STORES(&options, take_what_left_nothing);
}

/* The payload was stored with its host, which new settings leave out. A new channel has come
 * since. */
static void know_the_same(struct rig *rig)
{
	const struct stream_id id = { .ms = START_MS, .seq = 3 };

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	cr_expect_not(is_refused(rig, pause_by(SYSTEM, HOSTED), id));
	rig_open_ledger(rig, &(struct rig_options){ .strip_host = true });
	rig_add_channel(rig, CHANNEL_2, TEAM_A, "two", "capsule.pause");
	cr_expect_not(is_refused(rig, pause_by(SYSTEM, HOSTED), id));
	/* The control plane erases users from its trail. */
	cr_expect_not(
		is_refused(rig, pause_by(USER, WELL), (struct stream_id){ .ms = START_MS + 1 }));
	rig_ask(rig, "UPDATE audit_logs SET actor_id = NULL, actor_name = 'deleted-user'");
	cr_expect_not(
		is_refused(rig, pause_by(USER, WELL), (struct stream_id){ .ms = START_MS + 1 }));
}

Test(reread, recognizes_an_event_however_it_was_stored)
{
	static const struct rig_options options = { .strict = false };

	ON_BOTH_STORES(&options, know_the_same);
}

Test(reread, compares_deliveries_when_there_is_no_audit_trail)
{
	static const struct rig_options options = { .audit_mode = AUDIT_OFF };

	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct stream_id id = { .ms = START_MS, .seq = 3 };
		struct rig rig;

		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_channel(&rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
		cr_expect_not(is_refused(&rig, pause_by(SYSTEM, EXPIRED), id));
		cr_expect_not(is_refused(&rig, pause_by(SYSTEM, EXPIRED), id));
		cr_expect(is_refused(&rig, pause_by(SYSTEM, ORPHANED), id));
		rig_close(&rig);
	}
}

/* Marks keep only the newest time, so a later accept and a later repeat hide what decided these. */
static void decide_as_before(struct rig *rig)
{
	static const struct {
		const char *actor;
		const char *more;
		int64_t after_ms;
	} events[] = {
		{ USER, WELL, 0 },         { SYSTEM, WELL, 1000 },     { SYSTEM, EXPIRED, 2000 },
		{ SYSTEM, EXPIRED, 3000 }, { SYSTEM, EXPIRED, 65000 }, { USER, WELL, 70000 },
		{ SYSTEM, WELL, 71000 },
	};
	struct event *again[ARRAY_LEN(events)];

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct event *event = rig_event("capsule.pause", events[i].actor, events[i].more,
						START_MS + events[i].after_ms);

		cr_assert_eq(rig_offer(rig, &event, 1), 0);
		again[i] = event;
	}
	cr_expect_eq(count(rig, "deliveries"), 4);
	cr_expect_eq(count(rig, "audit_logs"), 5);
	cr_expect_eq(count(rig, "suppressed"), 3);
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		cr_assert_eq(rig_commit(rig, &again[i], 1), 0);
	cr_expect_eq(count(rig, "deliveries"), 4);
	cr_expect_eq(count(rig, "audit_logs"), 5);
	cr_expect_eq(count(rig, "suppressed"), 3);
}

Test(reread, decides_as_before_although_marks_have_moved_on)
{
	static const struct rig_options options = { .strict = false };

	ON_BOTH_STORES(&options, decide_as_before);
}
