/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation of the loop and of the store's threads fails in turn, and every statement: a
 * batch is committed whole, or nothing of it is there and it may be offered again. The same for
 * what an expectation waits for. */
#include <errno.h>

#include "tests/support/call_fault.h"
#include "tests/support/heap.h"
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define CHANNEL_2 "22222222-2222-4222-8222-222222222222"
#define BECAUSE   ",\"outcome\":\"success\",\"metadata\":{\"reason\":\"ttl_expired\"}"

static int64_t rows(struct rig *rig)
{
	return rig_ask(rig, "SELECT (SELECT count(*) FROM deliveries) * 1000000 + "
			    "(SELECT count(*) FROM audit_logs)");
}

static void fail_statement(unsigned nth)
{
	call_fail_after(FAULT_STATEMENT, nth);
}

static const struct lack {
	void (*begin)(unsigned nth);
	bool (*end)(void);
} lacks[] = {
	{ heap_fail_after_in_any_thread, heap_recover },
	{ fail_statement, call_recover },
};

/* Offers two events while the nth allocation or statement fails, then again without the fault.
 * Returns false if fewer than n are needed. */
static bool commit_without(struct rig *rig, const struct lack *lack, unsigned nth)
{
	const int64_t both = 2 * 1000000 + 2;
	const int64_t at_ms = rig_now_us / 1000 + (int64_t)nth * HOUR_US / 1000;
	struct event *events[2];
	int64_t before = rows(rig);
	bool was_met;
	int rc;

	for (int i = 0; i < 2; i++)
		events[i] = rig_event(i ? "capsule.resume" : "capsule.pause", SYSTEM, BECAUSE,
				      at_ms + i);
	lack->begin(nth);
	rc = rig_offer(rig, events, 2);
	was_met = lack->end();
	cr_expect_eq(rig_rejected(0).text[0], '\0', "%u: %s", nth, rig_rejected(0).text);
	cr_expect_eq(rows(rig), before + (rc == 0 ? both : 0), "%u: %d", nth, rc);
	if (rc != 0) {
		cr_expect(was_met);
		cr_expect_eq(rig_offer(rig, events, 2), 0);
		cr_expect_eq(rows(rig), before + both, "%u", nth);
	}
	for (int i = 0; i < 2; i++)
		event_free(events[i]);
	return was_met;
}

static void commit_each(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	rig_add_channel(rig, CHANNEL_2, TEAM_A, "two", "capsule.resume");
	/* Another worker has the leases, so nothing is sent meanwhile. */
	rig_ask(rig, "INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
		     "SELECT id, 'other', '2999-01-01T00:00:00.000000Z', "
		     "'2027-01-01T00:00:00.000000Z' FROM channels");
	for (size_t i = 0; i < ARRAY_LEN(lacks); i++) {
		unsigned nth = 0;

		while (commit_without(rig, &lacks[i], nth))
			nth++;
		cr_expect_gt(nth, 0);
		rig_now_us += 1000 * HOUR_US; /* other events than before */
	}
}

Test(fault, a_batch_is_committed_whole_or_not_at_all)
{
	const struct rig_options options = { .strict = false };

	ON_BOTH_STORES(&options, commit_each);
}

/* ---- expectations -------------------------------------------------------------------------- */

#define HOST_RULE                                                         \
	"{\"after\":{\"event\":[\"host.down\"]},\"without\":{\"event\":[" \
	"\"host.up\"]},\"within_s\":600}"

static int64_t waits(struct rig *rig)
{
	return rig_ask(rig, "SELECT count(*) FROM expectations WHERE due_ms > 0");
}

/* Somebody changed the rules, so the batch reads them again. */
static void forget_waits(struct rig *rig)
{
	rig_ask(rig, "DELETE FROM expectations");
	rig_ask(rig, "UPDATE expectation_version SET version = version + 1");
}

/* False when the batch needs less. */
static bool wait_without(struct rig *rig, const struct lack *lack, unsigned nth)
{
	struct event *down = rig_event("host.down", SYSTEM, "", rig_now_us / 1000 + (int64_t)nth);
	bool was_met;
	int rc;

	forget_waits(rig);
	lack->begin(nth);
	rc = rig_offer(rig, &down, 1);
	was_met = lack->end();
	cr_expect_eq(waits(rig), rc == 0, "%u: %d", nth, rc);
	if (rc != 0) {
		cr_expect(was_met);
		cr_expect_eq(rig_offer(rig, &down, 1), 0);
		cr_expect_eq(waits(rig), 1, "%u", nth);
	}
	event_free(down);
	return was_met;
}

static void wait_each(struct rig *rig)
{
	rig_ask(rig, "INSERT INTO expectation_rules (team_id, name, rule, is_of_request, "
		     "changed_at) VALUES ('" TEAM_A "', 'host', '" HOST_RULE "', 0, "
		     "'2027-01-01T00:00:00.000000Z')");
	for (size_t i = 0; i < ARRAY_LEN(lacks); i++) {
		unsigned nth = 0;

		while (wait_without(rig, &lacks[i], nth))
			nth++;
		cr_expect_gt(nth, 4);
		rig_now_us += HOUR_US;
	}
}

Test(fault, an_event_is_committed_with_what_it_lets_wait)
{
	const struct rig_options options = { .strict = false };

	ON_BOTH_STORES(&options, wait_each);
}
