/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Notification channels: their endpoints, their secrets at rest, the ledger that turns a batch of
 * events into audit and delivery rows in one transaction, and the engine that delivers those rows.
 */
#ifndef CHANNELS_CHANNELS_H
#define CHANNELS_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "audit/audit.h"
#include "bus/bus.h"
#include "core/attributes.h"
#include "core/digest.h"
#include "http/http.h"
#include "net/net.h"
#include "store/store.h"
#include "targets/targets.h"

/* Connections kept open for each request allowed at once: destinations are many more than that. */
#define CHANNELS_KEPT 4

struct channels;

struct channels_options {
	uv_loop_t *loop;
	struct store *store;
	/* For looking up events that left no rows; NULL: not done. Must outlive the server. */
	struct redis *redis;
	/* Unique per process, from worker_name_make(): the owner of leases. */
	const char *worker;
	uint8_t encryption_key[SEAL_KEY_SIZE];
	bool allow_private; /* WRENN_CHANNELS_ALLOW_PRIVATE */
	bool deliver;       /* WRENN_EVENTS_DELIVER */
	/* WRENN_EVENTS_NOTIFY_ON: channels hear of a capsule's request when it is done, not when it
	 * is accepted. */
	bool notify_completion;
	bool strip_host; /* WRENN_EVENTS_STRIP_HOST: no host_ip and host_id in what is delivered */
	unsigned max_inflight; /* requests; CHANNELS_KEPT times that many connections */
	enum audit_mode audit_mode;
	const char *group;     /* whose position the ledger keeps */
	const char *ca_file;   /* for outbound TLS; NULL: the system's */
	const char *link_base; /* of links in messages, without a trailing slash; NULL: no links */
	/* Must outlive the channels, texts included. */
	const struct target_origin *origins;
	size_t origin_count;
};

int channels_open(const struct channels_options *options, struct channels **out) must_check;

/* Lets requests in flight finish (at most 10 s), stores their results, gives the leases back. */
void channels_close(struct channels *channels, void (*on_closed)(void *owner), void *owner);

/* POST, GET, GET {id} and DELETE /v1/channels ... */
int channels_add_routes(struct channels *channels, struct http_server *server) must_check;

/* ---- the ledger ------------------------------------------------------------------------- */

/* Commits the batch: accepts, audit rows, delivery rows and the group's position, all or nothing; an empty
 * one commits its position. on_done with 0, or negative when nothing was committed and the batch must be
 * offered again: -EPERM when this worker does not have the ledger's lease, or the store is no longer where
 * this worker left it. An event that can never be stored is marked in batch->rejected and the rest
 * committed. */
typedef void (*ledger_done_fn)(int rc, void *owner);
void ledger_commit(struct channels *channels, struct bus_batch *batch, ledger_done_fn on_done,
		   void *owner);

/* One worker of all machines writes the ledger: the holder of a lease of 10 s. */
struct ledger_lease;

struct ledger_lease_options {
	struct channels *channels;
	/* This worker has it, and the store says that the group has come so far. */
	void (*on_lead)(bool known, struct stream_id last, void *owner);
	/* It has it no longer. */
	void (*on_stand_by)(void *owner);
	void *owner;
};

int ledger_lease_open(const struct ledger_lease_options *options,
		      struct ledger_lease **out) must_check;
/* Gives it back, so that another worker takes it at once; before channels_close(). Neither on_lead nor
 * on_stand_by come any more. */
void ledger_lease_close(struct ledger_lease *lease, void (*on_closed)(void *owner), void *owner);

/* A commit answered -EPERM. */
void ledger_lease_lost(struct ledger_lease *lease);

/* It is this worker's, for so long from now at least. */
bool ledger_lease_runs(const struct ledger_lease *lease, unsigned for_ms);

#endif
