/* SPDX-License-Identifier: Apache-2.0 */

/* What the engine keeps in memory, and how often it reads a row from the store. */
#include <stdio.h>
#include <stdlib.h>

#include "core/metrics.h"
#include "tests/support/rig.h"

#define WELL ",\"outcome\":\"success\""

static int64_t rows_read(void)
{
	return metric_value(metric_counter("wrenn_events_delivery_rows_read_total", NULL,
					   "Pending deliveries read from the store"));
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
