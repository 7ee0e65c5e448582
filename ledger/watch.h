/* SPDX-License-Identifier: Apache-2.0 */

/* Publishes a notice for each expected event that did not come. Works only on the worker that
 * writes the ledger. */
#ifndef LEDGER_WATCH_H
#define LEDGER_WATCH_H

#include <stdint.h>
#include <uv.h>

#include "bus/bus.h"
#include "core/attributes.h"
#include "ledger/lease.h"
#include "ledger/position.h"
#include "store/store.h"

struct ledger_watch;

/* The event stream. Both functions are as in bus/moment.h. */
struct watch_stream {
	int (*ask)(struct bus_moment_query *query, void *owner); /* NULL: nobody watches */
	int (*add)(struct str json, void (*on_added)(const char *fault, void *owner), void *adder,
		   void *owner);
	void *owner;
};

struct ledger_watch_options {
	uv_loop_t *loop;
	struct store *store;
	const char *group;                /* must outlive the watch */
	const char *worker;               /* the same */
	const struct position *position;  /* the same: how far this worker has committed */
	const struct ledger_lease *lease; /* the same */
	struct watch_stream stream;
	int64_t (*mono_us)(void);
	unsigned look_ms; /* between two looks */
};

int ledger_watch_open(const struct ledger_watch_options *options,
		      struct ledger_watch **out) must_check;
/* Waits for replies from Redis and the store. Accepts NULL, and then calls on_closed at once. */
void ledger_watch_close(struct ledger_watch *watch, void (*on_closed)(void *owner), void *owner);

#endif
