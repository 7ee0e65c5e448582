/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every reader registers all metrics when it opens, so that every worker has the same ones in the
 * same order.
 */
#include "bus/counters.h"

#define READ      "wrenn_events_bus_entries_read_total"
#define READ_HELP "Entries and messages read from Redis."
#define SKIPPED   "wrenn_events_bus_entries_ignored_total"
#define SKIP_HELP "Entries that a reader skipped, by reason. Every reader counts."
#define DEAD      "wrenn_events_bus_dead_letters_total"
#define DEAD_HELP "Entries that became dead letters, by reason."

struct bus_counters bus_counters;

static void register_reading(struct bus_counters *c)
{
	c->read[READER_TAIL] = metric_counter(READ, "reader=\"tail\"", READ_HELP);
	c->read[READER_CONSUMER] = metric_counter(READ, "reader=\"consumer\"", READ_HELP);
	c->read[READER_RANGE] = metric_counter(READ, "reader=\"range\"", READ_HELP);
	c->read[READER_TRANSIENT] = metric_counter(READ, "reader=\"transient\"", READ_HELP);
	c->unreadable = metric_counter(SKIPPED, "reason=\"unreadable\"", SKIP_HELP);
	c->unknown_kind = metric_counter(SKIPPED, "reason=\"unknown_kind\"", SKIP_HELP);
	c->about_nothing = metric_counter(SKIPPED, "reason=\"about_nothing\"", SKIP_HELP);
	c->not_durable = metric_counter(SKIPPED, "reason=\"not_durable\"", SKIP_HELP);
	c->trimmed = metric_counter(SKIPPED, "reason=\"trimmed\"", SKIP_HELP);
	c->copies = metric_counter(SKIPPED, "reason=\"copy\"", SKIP_HELP);
	c->gaps =
		metric_counter("wrenn_events_bus_gaps_total", NULL,
			       "Times that entries may have been lost before the tail read them.");
}

static void register_consuming(struct bus_counters *c)
{
	c->dead[DEAD_NO_PAYLOAD] = metric_counter(DEAD, "reason=\"no_payload\"", DEAD_HELP);
	c->dead[DEAD_UNREADABLE] = metric_counter(DEAD, "reason=\"unreadable\"", DEAD_HELP);
	c->dead[DEAD_REJECTED] = metric_counter(DEAD, "reason=\"rejected\"", DEAD_HELP);
	c->refused_letters =
		metric_counter("wrenn_events_bus_dead_letters_refused_total", NULL,
			       "Dead letters that Redis refused; they are tried again.");
	c->acknowledged = metric_counter("wrenn_events_bus_entries_acknowledged_total", NULL,
					 "Entries acknowledged to Redis.");
	c->claimed = metric_counter("wrenn_events_bus_entries_claimed_total", NULL,
				    "Entries taken over from silent consumers.");
	c->failed_commits = metric_counter("wrenn_events_bus_commit_failures_total", NULL,
					   "Commits of a batch that failed; each is tried again.");
	c->groups_created = metric_counter("wrenn_events_bus_groups_created_total", NULL,
					   "Times that the consumer group had to be created.");
	c->lag = metric_gauge("wrenn_events_bus_lag_entries", NULL,
			      "Entries of the stream that the group has not read yet.");
	c->pending = metric_gauge("wrenn_events_bus_pending_entries", NULL,
				  "Entries read by the group and not yet acknowledged.");
}

void bus_counters_register(void)
{
	register_reading(&bus_counters);
	register_consuming(&bus_counters);
}
