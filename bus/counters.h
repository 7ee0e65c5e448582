/* SPDX-License-Identifier: Apache-2.0 */

/* The metrics of bus/. Private to bus/. */
#ifndef BUS_COUNTERS_H
#define BUS_COUNTERS_H

#include "core/metrics.h"

enum bus_reader { READER_TAIL, READER_CONSUMER, READER_RANGE, READER_TRANSIENT, READERS };
enum dead_class { DEAD_NO_PAYLOAD, DEAD_UNREADABLE, DEAD_REJECTED, DEAD_CLASSES };

struct bus_counters {
	struct metric *read[READERS];
	struct metric *unreadable; /* skipped by readers that write no dead letters */
	struct metric *unknown_kind;
	struct metric *about_nothing;
	struct metric *not_durable;
	struct metric *trimmed;
	struct metric *copies; /* of durable events on the pub/sub channel */
	struct metric *gaps;
	struct metric *dead[DEAD_CLASSES];
	struct metric *refused_letters;
	struct metric *acknowledged;
	struct metric *claimed;
	struct metric *failed_commits;
	struct metric *groups_created;
	struct metric *lag;
	struct metric *pending;
};

/* All NULL until the first reader opens; until then nothing is counted. */
extern struct bus_counters bus_counters;

/* Safe to repeat. */
void bus_counters_register(void);

#endif
