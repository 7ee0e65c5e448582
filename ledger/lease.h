/* SPDX-License-Identifier: Apache-2.0 */

/* The ledger's lease. One worker of all machines writes the ledger: the one that holds this
 * lease. */
#ifndef LEDGER_LEASE_H
#define LEDGER_LEASE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/stream_id.h"
#include "ledger/position.h"
#include "store/store.h"

struct ledger_lease;

/* The reports of the lease to its owner. */
struct lease_events {
	/* This worker has the lease. `last` is the stored position of the group; `known` is false
	 * for a group that was never seen. */
	void (*on_lead)(bool known, struct stream_id last, void *owner);
	/* This worker has lost the lease, or given it back. */
	void (*on_stand_by)(void *owner);
	/* True when this worker can read the group now. If it cannot, it takes no lease. After two
	 * renewals without being able to, it gives its lease back for a worker that can. NULL:
	 * always true. */
	bool (*can_read)(void *owner);
	void *owner;
};

struct ledger_lease_options {
	uv_loop_t *loop;
	struct store *store;
	const char *group;         /* must outlive the lease */
	const char *worker;        /* the same */
	struct position *position; /* the same; set to the stored one when the lease is taken */
	int64_t (*mono_us)(void);
	unsigned tick_ms;
	struct lease_events events;
};

int ledger_lease_open(const struct ledger_lease_options *options,
		      struct ledger_lease **out) must_check;
/* No event comes after this call, and nobody renews the lease. For an owner that stops: users of
 * the lease may still have to end before ledger_lease_close(). */
void ledger_lease_silence(struct ledger_lease *lease);
/* Gives the lease back, so that another worker takes it at once. No event comes after this call.
 * Accepts NULL, and then calls on_closed at once. */
void ledger_lease_close(struct ledger_lease *lease, void (*on_closed)(void *owner), void *owner);

/* A commit was refused: this worker no longer has the lease. */
void ledger_lease_lost(struct ledger_lease *lease);

/* True when this worker has the lease for at least that time. */
bool ledger_lease_runs(const struct ledger_lease *lease, unsigned for_ms);

#endif
