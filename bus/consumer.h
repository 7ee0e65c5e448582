/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The consumer: reads the consumer group while this process leads, and hands batches to the ledger.
 * It acknowledges an entry only after the ledger has committed it.
 */
#ifndef BUS_CONSUMER_H
#define BUS_CONSUMER_H

#include <stdbool.h>
#include <uv.h>

#include "bus/bus_batch.h"
#include "core/attributes.h"
#include "core/stream_id.h"
#include "net/net.h"

struct bus_consumer;

struct bus_consumer_options {
	uv_loop_t *loop;
	const struct redis_address *address;
	struct redis_master *master; /* as in redis_options */
	const char *group;
	/* Only older versions have consumers of other names. After this time we take over entries
	 * that such a consumer got and did not acknowledge. */
	unsigned claim_idle_ms;
	/* After a few entries, wait this long and read the next ones together. The first entry
	 * after a quiet time never waits. 0: never wait. */
	unsigned linger_ms;
	/* Commit these events. The answer is bus_consumer_committed(), now or later. The next batch
	 * comes after the answer. */
	void (*on_batch)(struct bus_batch *batch, void *owner);
	/* True when we may start a read that takes up to for_ms. Asked before every read, so that a
	 * process that was held up takes no entry from the new leader. */
	bool (*may_read)(unsigned for_ms, void *owner);
	void *owner;
};

/* The consumer stands by at first: it reads nothing. */
int bus_consumer_open(const struct bus_consumer_options *options,
		      struct bus_consumer **out) must_check;
/* Waits for the ledger's answer about its batch, acknowledges, and closes. Then only on_closed (may
 * be NULL) is called, and all memory is free. Accepts NULL, and then calls on_closed at
 * once. */
void bus_consumer_close(struct bus_consumer *consumer, void (*on_closed)(void *owner), void *owner);

/* Reads the group from now on. `last` is the ledger's position; `known` is false for a group that
 * the ledger has never seen. */
void bus_consumer_lead(struct bus_consumer *consumer, bool known, struct stream_id last);
/* Stops reading. A batch that is not committed is forgotten: it stays pending for the successor. */
void bus_consumer_stand_by(struct bus_consumer *consumer);

/* The ledger's answer. If rc is 0, the batch is committed and will be acknowledged. If it is
 * negative, the same batch comes again after a growing pause, unless the consumer stands by. */
void bus_consumer_committed(struct bus_consumer *consumer, int rc);

/* The group existed at the last contact. For /readyz. */
bool bus_consumer_is_ready(const struct bus_consumer *consumer);

#endif
