/* SPDX-License-Identifier: Apache-2.0 */

/* Backlogs that become a digest, and backlogs that do not, on both stores. */
#include <errno.h>
#include <stdio.h>

#include "delivery/fold.h"
#include "ledger/ledger.h"
#include "tests/support/rig.h"

#define CHANNEL "11111111-1111-4111-8111-111111111111"
#define OTHER   "22222222-2222-4222-8222-222222222222"
#define STORM   31 /* one more than the allowance */
#define ALLOWED 30

static const struct provider chat = { .name = "slack", .folds = true };
static const struct provider plain = { .name = "webhook" };

static struct uuid uuid_of(const char *text)
{
	struct uuid id;

	cr_assert_eq(uuid_parse(str_of(text), &id), 0);
	return id;
}

/* ---- filling ------------------------------------------------------------------------------- */

struct filling {
	struct store_job job;
	const char *channel;
	const char *kind;
	const char *actor;
	const char *more; /* members of the event */
	int64_t first_ms;
	unsigned count;
};

static struct event *event_at(const struct filling *filling, unsigned index)
{
	char text[1024];
	struct reason why = { .text = "" };
	struct event *event = NULL;

	snprintf(text, sizeof(text),
		 "{\"event\":\"%s\",\"timestamp\":\"2027-01-15T08:00:00Z\",\"team_id\":\"" TEAM_A_ID
		 "\",\"actor\":%s,\"resource\":{\"id\":\"res-%u\",\"type\":\"sandbox\"}%s}",
		 filling->kind, filling->actor, index, filling->more);
	cr_assert_eq(event_parse(str_of(text),
				 (struct stream_id){
					 .ms = (uint64_t)(filling->first_ms + (int64_t)index) },
				 &event, &why),
		     0, "%s", why.text);
	return event;
}

static int run_filling(struct db *db, struct store_job *job)
{
	const struct filling *filling = container_of(job, struct filling, job);
	struct uuid channel = uuid_of(filling->channel);
	int rc = 0;

	for (unsigned i = 0; i < filling->count && rc == 0; i++) {
		struct event *event = event_at(filling, i);
		struct uuid id;
		struct buf body;

		buf_init(&body, EVENT_MAX_BYTES);
		event_write_body(&body, event);
		delivery_id_make(&channel, event->id, &id);
		rc = delivery_insert(db, &(struct new_delivery){ .id = &id,
								 .event = event,
								 .channel = &channel,
								 .payload = buf_str(&body),
								 .now_us = START_US });
		buf_done(&body);
		event_free(event);
	}
	return rc < 0 ? rc : db_flush(db);
}

static void fill_by(const struct database *database, const char *kind, const char *actor,
		    const char *more, int64_t first_ms, unsigned count)
{
	struct filling filling = { .job.run = run_filling,
				   .channel = CHANNEL,
				   .kind = kind,
				   .actor = actor,
				   .more = more,
				   .first_ms = first_ms,
				   .count = count };
	struct reason why = { .text = "" };

	cr_assert_eq(store_run_blocking(database->url, &filling.job, &why), 0, "%s", why.text);
}

static void fill_more(const struct database *database, const char *kind, const char *more,
		      int64_t first_ms, unsigned count)
{
	fill_by(database, kind, SYSTEM, more, first_ms, count);
}

static void fill(const struct database *database, unsigned count)
{
	fill_more(database, "capsule.destroy", ",\"outcome\":\"success\"", START_MS, count);
}

/* ---- folding ------------------------------------------------------------------------------- */

struct folding {
	struct store_job job;
	struct fold_order order;
	struct fold_result result;
	bool then_fail;
};

static int run_folding(struct db *db, struct store_job *job)
{
	struct folding *folding = container_of(job, struct folding, job);
	int rc = fold_backlog(db, &folding->order, &folding->result);

	return folding->then_fail ? -ECANCELED : rc;
}

static struct folding folding_of(const struct provider *provider, size_t allowance)
{
	return (struct folding){ .job.run = run_folding,
				 .order = { .provider = provider,
					    .channel = uuid_of(CHANNEL),
					    .allowance = allowance,
					    .now_us = START_US + SECOND_US } };
}

static size_t fold_with(const struct database *database, struct folding folding,
			struct uuid *digest)
{
	struct reason why = { .text = "" };

	cr_assert_eq(store_run_blocking(database->url, &folding.job, &why), 0, "%s", why.text);
	if (digest)
		*digest = folding.result.digest;
	return folding.result.folded;
}

static size_t fold_now(const struct database *database)
{
	return fold_with(database, folding_of(&chat, ALLOWED), NULL);
}

static int64_t count(const struct database *database, const char *condition)
{
	char sql[512];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM deliveries WHERE %s", condition);
	return database_ask(database, sql);
}

/* ---- reading the digest -------------------------------------------------------------------- */

struct digest_reading {
	struct store_job job;
	struct buf payload;
};

static int on_payload(const struct db_row *row, void *arg)
{
	buf_add_str(arg, row_blob(row, 0));
	return 0;
}

static int run_reading(struct db *db, struct store_job *job)
{
	static const struct db_query query = {
		.sql = "SELECT payload FROM deliveries WHERE event = '" DIGEST_EVENT "' "
		       "ORDER BY stream_ms DESC, id LIMIT 1",
	};
	struct digest_reading *reading = container_of(job, struct digest_reading, job);

	return db_run_now(db, &query, NULL, 0, on_payload, &reading->payload, NULL);
}

static void read_digest(const struct database *database, struct digest *out)
{
	struct digest_reading reading = { .job.run = run_reading };
	struct reason why = { .text = "" };

	buf_init(&reading.payload, 65536);
	cr_assert_eq(store_run_blocking(database->url, &reading.job, &why), 0, "%s", why.text);
	cr_assert_eq(digest_parse(buf_str(&reading.payload), out), 0, "%.*s",
		     STR_ARGS(buf_str(&reading.payload)));
	buf_done(&reading.payload);
}

static void expect_text(struct str text, const char *expected)
{
	cr_expect(str_is(text, expected), "\"%.*s\" is not \"%s\"", STR_ARGS(text), expected);
}

/* ---- tests --------------------------------------------------------------------------------- */

#define ON_BOTH(database)                                                                    \
	for (int engine = 0; engine < DATABASE_ENGINES; engine++)                            \
		for (struct database database = database_make((enum database_engine)engine), \
				     *once = &database;                                      \
		     once; once = NULL)

Test(fold, turns_a_storm_into_one_delivery)
{
	ON_BOTH(database)
	{
		struct uuid channel = uuid_of(CHANNEL);
		char first[STREAM_ID_TEXT_SIZE], last[STREAM_ID_TEXT_SIZE];
		char name[128], id[UUID_TEXT_SIZE], condition[400];
		const struct stream_id last_id = { .ms = START_MS + STORM - 1 };
		struct uuid digest, expected;

		fill(&database, STORM);
		cr_expect_eq(fold_with(&database, folding_of(&chat, ALLOWED), &digest), STORM);
		stream_id_format((struct stream_id){ .ms = START_MS }, first);
		stream_id_format(last_id, last);
		snprintf(name, sizeof(name), "digest:%s:%s", first, last);
		uuid_v8(last_id, &channel, str_of(name), &expected);
		cr_expect(uuid_eq(&digest, &expected), "its id comes from the stream");
		uuid_format(&digest, id);
		snprintf(condition, sizeof(condition), "state = 'folded' AND digest_id = '%s'", id);
		cr_expect_eq(count(&database, condition), STORM);
		snprintf(
			condition, sizeof(condition),
			"state = 'pending' AND id = '%s' AND event = 'notification.digest' AND "
			"stream_id = '%s' AND stream_ms = %lld AND stream_seq = 0 AND attempts = 0 "
			"AND channel_id = '" CHANNEL "' AND team_id = '" TEAM_A
			"' AND requeued_at IS NULL AND digest_id IS NULL",
			id, last, (long long)(START_MS + STORM - 1));
		cr_expect_eq(count(&database, condition), 1);
		cr_expect_eq(count(&database, "TRUE"), STORM + 1);
	}
}

Test(fold, leaves_alone_what_the_pace_lets_out_in_time)
{
	ON_BOTH(database)
	{
		fill(&database, ALLOWED);
		cr_expect_eq(fold_now(&database), 0);
		cr_expect_eq(count(&database, "state = 'pending'"), ALLOWED);
		cr_expect_eq(count(&database, "TRUE"), ALLOWED);
	}
}

Test(fold, is_for_providers_and_paces_that_call_for_it)
{
	static const struct {
		const struct provider *provider;
		size_t allowance;
		size_t folded;
	} cases[] = {
		{ &plain, ALLOWED, 0 },
		{ &chat, SIZE_MAX, 0 },
		{ &chat, FOLD_MAX_ROWS, 0 },
		{ &chat, FOLD_MAX_ROWS - 1, 0 },
		{ &chat, 0, 0 },
		{ &chat, STORM, 0 },
		{ &chat, 1, STORM },
	};

	ON_BOTH(database)
	{
		fill(&database, STORM);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++)
			cr_expect_eq(fold_with(&database,
					       folding_of(cases[i].provider, cases[i].allowance),
					       NULL),
				     cases[i].folded, "case %zu", i);
	}
}

Test(fold, neither_counts_nor_folds_rows_that_are_not_due_or_not_theirs)
{
	static const char *const changes[] = {
		"attempts = 1", /* tried already */
		"next_attempt_at = '2999-01-01T00:00:00.000000Z', "
		"held_until = '2999-01-01T00:00:00.000000Z'",
		"event = 'notification.digest'",
		"channel_id = '" OTHER "'",
		"state = 'delivered'",
		"state = 'failed'",
		"state = 'dropped'",
	};

	ON_BOTH(database)
	{
		for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
			char sql[256];

			database_ask(&database, "DELETE FROM deliveries");
			fill(&database, STORM);
			snprintf(sql, sizeof(sql),
				 "UPDATE deliveries SET %s WHERE resource = 'res-7'", changes[i]);
			database_ask(&database, sql);
			cr_expect_eq(fold_now(&database), 0, "%s", changes[i]);
			fill_more(&database, "host.down", "", START_MS + 5000, 1);
			cr_expect_eq(fold_now(&database), STORM, "%s", changes[i]);
			cr_expect_eq(count(&database, "resource = 'res-7' AND state <> 'folded'"),
				     1, "%s", changes[i]);
		}
	}
}

Test(fold, takes_rows_that_were_sent_again_on_request_and_keeps_their_clock)
{
	ON_BOTH(database)
	{
		fill(&database, STORM);
		database_ask(&database,
			     "UPDATE deliveries SET attempts = 4, attempts_before = 4, requeued_at "
			     "= '2027-01-01T00:00:00.000000Z' WHERE resource = 'res-3'");
		database_ask(&database,
			     "UPDATE deliveries SET requeued_at = '2027-02-01T00:00:00.000000Z' "
			     "WHERE resource = 'res-2'");
		cr_expect_eq(fold_now(&database), STORM);
		cr_expect_eq(count(&database, "event = 'notification.digest' AND requeued_at = "
					      "'2027-02-01T00:00:00.000000Z'"),
			     1);
	}
}

Test(fold, says_for_which_channel_that_fails_its_events_come)
{
	ON_BOTH(database)
	{
		fill(&database, STORM);
		database_ask(&database, "UPDATE deliveries SET instead_of = '" OTHER
					"', note = 'ops' WHERE resource = 'res-9'");
		cr_expect_eq(fold_now(&database), STORM);
		cr_expect_eq(count(&database, "event = 'notification.digest' AND note = 'ops' "
					      "AND instead_of = '" OTHER "'"),
			     1);
	}
}

/* Quiet hours let a digest through by the same rule as an event (core/channel_hold.h). */
Test(fold, says_that_a_digest_has_a_failure)
{
	static const struct {
		const char *kind, *more;
		bool is_failure;
	} cases[] = {
		{ "capsule.pause", ",\"outcome\":\"error\"", true },
		{ "host.down", "", true },
		{ "host.up", "", false },
		{ "capsule.destroy", ",\"outcome\":\"success\"", false },
	};

	ON_BOTH(database)
	{
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			database_ask(&database, "DELETE FROM deliveries");
			fill(&database, STORM);
			fill_more(&database, cases[i].kind, cases[i].more, START_MS + 5000, 1);
			cr_expect_eq(fold_now(&database), STORM + 1);
			cr_expect_eq(count(&database, "event = 'notification.digest' AND "
						      "outcome = 'error'"),
				     cases[i].is_failure, "case %zu", i);
			cr_expect_eq(count(&database, "event = 'notification.digest' AND "
						      "outcome IS NULL"),
				     !cases[i].is_failure, "case %zu", i);
		}
	}
}

Test(fold, leaves_out_what_is_held_now)
{
	const struct channel_options snoozing = {
		.snooze = { .count = 1,
			    .resources = { { .id = STR("res-7"),
					     .until_us = START_US + HOUR_US } } },
	};

	ON_BOTH(database)
	{
		struct folding folding = folding_of(&chat, ALLOWED);

		folding.order.hold =
			(struct channel_hold){ .options = &snoozing, .now_us = START_US };
		fill(&database, STORM + 1);
		cr_expect_eq(fold_with(&database, folding, NULL), STORM);
		cr_expect_eq(count(&database, "resource = 'res-7' AND state = 'pending'"), 1);
	}
}

Test(fold, changes_nothing_when_it_comes_again)
{
	ON_BOTH(database)
	{
		fill(&database, STORM);
		cr_expect_eq(fold_now(&database), STORM);
		cr_expect_eq(fold_now(&database), 0);
		cr_expect_eq(count(&database, "TRUE"), STORM + 1);
	}
}

Test(fold, leaves_no_trace_of_a_transaction_that_was_lost)
{
	ON_BOTH(database)
	{
		struct folding folding = folding_of(&chat, ALLOWED);
		struct reason why = { .text = "" };
		struct uuid lost, digest;

		fill(&database, STORM);
		folding.then_fail = true;
		cr_expect_eq(store_run_blocking(database.url, &folding.job, &why), -ECANCELED);
		cr_expect_eq(count(&database, "state = 'pending'"), STORM);
		lost = folding.result.digest;
		cr_expect_eq(fold_with(&database, folding_of(&chat, ALLOWED), &digest), STORM);
		cr_expect(uuid_eq(&lost, &digest), "the same backlog makes the same digest");
	}
}

Test(fold, never_writes_over_an_earlier_digest)
{
	ON_BOTH(database)
	{
		struct uuid first, second;
		struct digest digest;

		fill(&database, STORM + 5);
		cr_expect_eq(fold_with(&database, folding_of(&chat, ALLOWED), &first), STORM + 5);
		/* All except five are sent again, with the same first and last event. */
		database_ask(
			&database,
			"UPDATE deliveries SET state = 'pending', digest_id = NULL WHERE state "
			"= 'folded' AND resource NOT IN ('res-1', 'res-2', 'res-3', 'res-4', "
			"'res-5')");
		cr_expect_eq(fold_with(&database, folding_of(&chat, ALLOWED), &second), STORM);
		cr_expect_not(uuid_eq(&first, &second));
		cr_expect_eq(count(&database, "event = 'notification.digest'"), 2);
		database_ask(&database, "DELETE FROM deliveries WHERE id IN (SELECT digest_id FROM "
					"deliveries WHERE resource = 'res-6')");
		read_digest(&database, &digest);
		cr_expect_eq(digest.total, STORM + 5, "the first one is as it was");
		digest_done(&digest);
	}
}

Test(fold, takes_the_oldest_thousand_at_a_time)
{
	ON_BOTH(database)
	{
		fill(&database, FOLD_MAX_ROWS + ALLOWED + 1);
		cr_expect_eq(fold_now(&database), FOLD_MAX_ROWS);
		cr_expect_eq(count(&database, "state = 'pending' AND resource = 'res-1000'"), 1);
		cr_expect_eq(count(&database, "state = 'folded' AND resource = 'res-999'"), 1);
		cr_expect_eq(fold_now(&database), ALLOWED + 1);
		cr_expect_eq(fold_now(&database), 0);
	}
}

Test(fold, tells_failures_first_then_the_largest_groups)
{
	ON_BOTH(database)
	{
		struct digest digest;

		fill_more(&database, "capsule.create", ",\"outcome\":\"success\"", START_MS, 20);
		fill_more(&database, "capsule.destroy", ",\"outcome\":\"success\"",
			  START_MS + 60000, 30);
		fill_more(&database, "capsule.pause",
			  ",\"outcome\":\"error\",\"error\":\"no room\"", START_MS + 10000, 3);
		fill_more(&database, "host.down", "", START_MS + 20000, 2);
		cr_expect_eq(fold_now(&database), 55);
		read_digest(&database, &digest);
		expect_text(digest.team_text, TEAM_A_ID);
		expect_text(digest.first, "2027-01-15T08:00:00Z");
		expect_text(digest.last, "2027-01-15T08:01:00Z");
		cr_expect_eq(digest.total, 55);
		cr_assert_eq(digest.group_count, 4);
		expect_text(digest.groups[0].event, "capsule.pause");
		expect_text(digest.groups[0].outcome, "error");
		cr_expect_eq(digest.groups[0].count, 3);
		expect_text(digest.groups[1].event, "capsule.destroy");
		expect_text(digest.groups[1].outcome, "success");
		cr_expect_eq(digest.groups[1].count, 30);
		expect_text(digest.groups[2].event, "capsule.create");
		cr_expect_eq(digest.groups[2].count, 20);
		expect_text(digest.groups[3].event, "host.down");
		expect_text(digest.groups[3].outcome, "");
		cr_assert_eq(digest.failure_count, 3);
		for (size_t i = 0; i < 3; i++) {
			char resource[16];

			snprintf(resource, sizeof(resource), "res-%zu", i);
			expect_text(digest.failures[i].event, "capsule.pause");
			expect_text(digest.failures[i].resource_id, resource);
			expect_text(digest.failures[i].error, "no room");
		}
		digest_done(&digest);
	}
}

#define TRICK ",\"metadata\":{\"reason\":\"\\\"actor\\\":{\\\"type\\\":\\\"user\\\"\"}"

static size_t count_of(const struct digest *digest, const char *event, const char *outcome)
{
	for (size_t i = 0; i < digest->group_count; i++) {
		if (str_is(digest->groups[i].event, event) &&
		    str_is(digest->groups[i].outcome, outcome))
			return digest->groups[i].count;
	}
	return 0;
}

Test(fold, tells_requests_from_what_is_done)
{
	static const char well[] = ",\"outcome\":\"success\"";

	ON_BOTH(database)
	{
		struct digest digest;

		fill_by(&database, "capsule.create", USER, well, START_MS, 10);
		fill_by(&database, "capsule.create", "{\"type\":\"api_key\",\"id\":\"k\"}", well,
			START_MS + 100, 5);
		fill_by(&database, "capsule.create", SYSTEM, well, START_MS + 200, 7);
		fill_by(&database, "capsule.create", SYSTEM, ",\"outcome\":\"success\"" TRICK,
			START_MS + 300, 4);
		fill_by(&database, "capsule.create", USER, ",\"outcome\":\"error\"", START_MS + 400,
			3);
		fill_by(&database, "volume.create", USER, well, START_MS + 500, 2);
		cr_expect_eq(fold_now(&database), 31);
		read_digest(&database, &digest);
		cr_expect_eq(count_of(&digest, "capsule.create", "requested"), 15);
		cr_expect_eq(count_of(&digest, "capsule.create", "success"), 11);
		cr_expect_eq(count_of(&digest, "capsule.create", "error"), 3);
		cr_expect_eq(count_of(&digest, "volume.create", "success"), 2);
		digest_done(&digest);
	}
}

Test(fold, tells_the_ten_earliest_failures)
{
	ON_BOTH(database)
	{
		struct digest digest;

		fill_more(&database, "capsule.pause", ",\"outcome\":\"error\",\"error\":\"no\"",
			  START_MS, 40);
		cr_expect_eq(fold_now(&database), 40);
		read_digest(&database, &digest);
		cr_assert_eq(digest.failure_count, DIGEST_MAX_FAILURES);
		expect_text(digest.failures[0].resource_id, "res-0");
		expect_text(digest.failures[9].resource_id, "res-9");
		digest_done(&digest);
	}
}

Test(fold, tells_no_more_groups_than_fit_and_still_counts_all)
{
	ON_BOTH(database)
	{
		struct digest digest;

		for (unsigned kind = 0; kind < 70; kind++) {
			char sql[160];

			fill_more(&database, "host.up", "", START_MS + kind * 1000, 1);
			snprintf(sql, sizeof(sql),
				 "UPDATE deliveries SET event = 'kind.%u' WHERE event = 'host.up'",
				 kind);
			database_ask(&database, sql);
		}
		cr_expect_eq(fold_now(&database), 70);
		read_digest(&database, &digest);
		cr_expect_eq(digest.total, 70);
		cr_assert_eq(digest.group_count, DIGEST_MAX_GROUPS);
		expect_text(digest.groups[0].event, "kind.0");
		digest_done(&digest);
	}
}

Test(fold, tells_a_failure_whose_payload_is_damaged_by_its_columns)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct database database = database_make((enum database_engine)engine);
		struct digest digest;

		fill_more(&database, "capsule.pause", ",\"outcome\":\"error\",\"error\":\"no\"",
			  START_MS, STORM);
		database_ask(&database, engine == DATABASE_SQLITE
						? "UPDATE deliveries SET payload = x'7b'"
						: "UPDATE deliveries SET payload = '\\x7b'");
		cr_expect_eq(fold_now(&database), STORM);
		read_digest(&database, &digest);
		cr_expect_eq(digest.total, STORM);
		cr_assert_eq(digest.failure_count, DIGEST_MAX_FAILURES);
		expect_text(digest.failures[0].event, "capsule.pause");
		expect_text(digest.failures[0].error, "");
		digest_done(&digest);
	}
}
