/* SPDX-License-Identifier: Apache-2.0 */

/* What the engine keeps in memory, and how often it reads a row from the store. */
#include <stdio.h>
#include <stdlib.h>

#include "core/metrics.h"
#include "core/rfc3339.h"
#include "tests/support/rig.h"

#define CHANNEL "00000000-0000-4000-8000-000000000000" /* the first of add_channels() */
#define WELL    ",\"outcome\":\"success\""

static int64_t rows_read(void)
{
	return metric_value(metric_counter("wrenn_events_delivery_rows_read_total", NULL,
					   "Pending deliveries read from the store"));
}

static int64_t rows_taken(void)
{
	return metric_value(metric_counter("wrenn_events_delivery_rows_taken_total", NULL,
					   "Pending deliveries taken from the ledger in memory"));
}

static void add_channels(struct rig *rig, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char id[UUID_TEXT_SIZE];

		snprintf(id, sizeof(id), "%08u-0000-4000-8000-000000000000", i % 100000u);
		rig_add_channel(rig, id, TEAM_A, "hook", "capsule.pause");
	}
}

static void commit_pauses(struct rig *rig, int64_t first_ms, size_t count)
{
	struct event *events[64];

	cr_assert_leq(count, ARRAY_LEN(events));
	for (size_t i = 0; i < count; i++)
		events[i] = rig_event("capsule.pause", USER, WELL, first_ms + (int64_t)i);
	cr_assert_eq(rig_commit(rig, events, count), 0);
}

/* While all have a backlog, none takes the memory of another. */
Test(memory, reads_each_row_of_300_busy_channels_once)
{
	enum { CHANNELS = 300, EVENTS = 16 };
	const struct rig_options options = { .max_inflight = 256 };
	struct rig rig;

	rig_now_us = START_US;
	rig_open(&rig, DATABASE_SQLITE, &options);
	add_channels(&rig, CHANNELS);
	commit_pauses(&rig, START_MS, EVENTS);
	rig_wait_rows(&rig, 0, "deliveries WHERE state = 'pending'");
	cr_expect_eq(receiver_count(rig.receiver), CHANNELS * EVENTS);
	cr_expect_leq(rows_read(), CHANNELS * EVENTS);
	rig_close(&rig);
}

/* ---- rows from the ledger ------------------------------------------------------------------ */

/* A channel that has sent one event and keeps its lease. No scan asks for rows. */
static void open_idle(struct rig *rig, enum database_engine engine)
{
	const struct rig_options options = { .tick_ms = 3600 * 1000 };

	rig_now_us = START_US;
	rig_open(rig, engine, &options);
	add_channels(rig, 1);
	commit_pauses(rig, START_MS, 1);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered'");
	rig_idle(rig);
}

Test(memory, sends_what_the_ledger_brings_without_reading_it)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		int64_t read;
		int64_t taken;
		struct rig rig;

		open_idle(&rig, (enum database_engine)engine);
		read = rows_read();
		taken = rows_taken();
		commit_pauses(&rig, START_MS + 1, 40);
		rig_wait_rows(&rig, 41, "deliveries WHERE state = 'delivered'");
		cr_expect_eq(receiver_count(rig.receiver), 41);
		cr_expect_eq(rows_taken() - taken, 40);
		cr_expect_eq(rows_read() - read, 0);
		rig_close(&rig);
	}
}

/* A load may have read the rows before they come from the ledger. */
Test(memory, sends_no_row_twice_that_it_has_read)
{
	struct fresh_rows fresh = { .now_us = START_US };
	struct stream_id stream_id = { .ms = START_MS };
	char payload[1024];
	char changed[64];
	struct body *body;
	struct uuid id;
	struct rig rig;

	open_idle(&rig, DATABASE_SQLITE);
	stream_id.seq = (uint64_t)rig_ask(&rig, "SELECT stream_seq FROM deliveries");
	rig_ask_text(&rig, payload, sizeof(payload),
		     "SELECT CAST(payload AS text) FROM deliveries");
	body = body_make(str_of(payload));
	rig_ask_text(&rig, changed, sizeof(changed), "SELECT updated_at FROM channels");
	cr_assert_eq(rfc3339_parse_sql(str_of(changed), &fresh.channel_us), 0);
	cr_assert_eq(uuid_parse(STR(CHANNEL), &fresh.channel), 0);
	delivery_id_make(&fresh.channel, stream_id, &id);
	fresh_rows_add(&fresh, &id, stream_id, body);
	deliveries_take(rig.deliveries, &fresh);
	rig_idle(&rig);
	cr_expect_eq(receiver_count(rig.receiver), 1);
	fresh_rows_done(&fresh);
	body_unref(body);
	rig_close(&rig);
}

/* Another worker changed the channel meanwhile. */
Test(memory, sends_nothing_under_settings_that_are_not_the_ledgers)
{
	char sealed[1024];
	struct rig rig;

	open_idle(&rig, DATABASE_SQLITE);
	rig_add_channel(&rig, "00000001-0000-4000-8000-000000000000", TEAM_B, "other",
			"capsule.pause");
	rig_ask_text(&rig, sealed, sizeof(sealed),
		     "SELECT config FROM channels WHERE team_id = '" TEAM_B "'");
	rig_ask(&rig,
		"UPDATE channels SET config = '%s', updated_at = '2999-01-01T00:00:00.000000Z' "
		"WHERE id = '" CHANNEL "'",
		sealed);
	commit_pauses(&rig, START_MS + 1, 1);
	rig_wait_rows(&rig, 2, "deliveries WHERE state = 'delivered'");
	cr_expect_str_eq(receiver_get(rig.receiver, 1)->target, "/other");
	rig_close(&rig);
}

/* After the request of open_idle(). */
static void expect_numbers(struct rig *rig, unsigned count)
{
	for (unsigned i = 1; i <= count; i++) {
		char mark[32];

		snprintf(mark, sizeof(mark), "\"n\":\"%u\"", i);
		cr_expect(strstr(receiver_get(rig->receiver, i)->body, mark), "number %u", i);
	}
}

/* More than one queue may keep: the rest is read. The order stays, although the last is small. */
Test(memory, reads_what_does_not_fit_in_order)
{
	enum { EVENTS = 24 };
	static char more[60000];
	struct event *events[EVENTS];
	struct rig rig;

	open_idle(&rig, DATABASE_SQLITE);
	for (int i = 0; i < EVENTS; i++) {
		int len = snprintf(more, sizeof(more), WELL ",\"n\":\"%d\",\"z\":\"", 1 + i);

		memset(more + len, 'x', sizeof(more) - (size_t)len - 2);
		memcpy(more + (i + 1 < EVENTS ? (int)sizeof(more) - 2 : len), "\"", 2);
		events[i] = rig_event("capsule.pause", USER, more, START_MS + 1 + i);
	}
	cr_assert_eq(rig_commit(&rig, events, EVENTS), 0);
	rig_wait_rows(&rig, 0, "deliveries WHERE state = 'pending'");
	cr_assert_eq(receiver_count(rig.receiver), 1 + EVENTS);
	expect_numbers(&rig, EVENTS);
	cr_expect_gt(rows_taken(), 0);
	cr_expect_gt(rows_read(), 1);
	rig_close(&rig);
}

/* ---- after a change of the ledger's writer ------------------------------------------------- */

static void commit_numbers(struct rig *rig, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		struct event *event;
		char more[64];

		snprintf(more, sizeof(more), WELL ",\"n\":\"%u\"", i);
		event = rig_event("capsule.pause", USER, more, START_MS + i);
		cr_assert_eq(rig_commit(rig, &event, 1), 0);
	}
}

/* The writer stored rows of a channel that this worker works on, and ended before it could say so.
 * Then this worker writes the ledger. */
Test(memory, sends_what_the_last_writer_did_not_tell_before_newer_rows)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig_options options = { .worker = "worker-2", .no_sending = true };
		struct rig rig;
		struct rig ended;

		open_idle(&rig, (enum database_engine)engine);
		options.database = &rig.database;
		rig_open(&ended, (enum database_engine)engine, &options);
		rig_hold_ledger(&ended);
		commit_numbers(&ended, 1, 3);
		rig_close(&ended);

		rig_hold_ledger(&rig);
		deliveries_lead(rig.deliveries);
		commit_numbers(&rig, 4, 3);
		rig_wait_rows(&rig, 7, "deliveries WHERE state = 'delivered'");
		cr_assert_eq(receiver_count(rig.receiver), 7);
		expect_numbers(&rig, 6);
		rig_close(&rig);
	}
}
