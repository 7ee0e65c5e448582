/* SPDX-License-Identifier: Apache-2.0 */

/* Notification channels: their endpoints, and the engine that delivers what the ledger stored. */
#ifndef CHANNELS_CHANNELS_H
#define CHANNELS_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "audit/audit.h"
#include "core/attributes.h"
#include "core/digest.h"
#include "delivery/delivery.h"
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
	struct redis *redis; /* may be NULL; of the housekeeping */
	/* Unique per process, from worker_name_make(): the owner of leases. */
	const char *worker;
	uint8_t encryption_key[SEAL_KEY_SIZE];
	bool allow_private; /* WRENN_CHANNELS_ALLOW_PRIVATE */
	bool deliver;       /* WRENN_EVENTS_DELIVER */
	bool strip_host; /* WRENN_EVENTS_STRIP_HOST: no host_ip and host_id in what is delivered */
	unsigned max_inflight; /* requests; CHANNELS_KEPT times that many connections */
	enum audit_mode audit_mode;
	const char *ca_file;   /* for outbound TLS; NULL: the system's */
	const char *link_base; /* of links in messages, without a trailing slash; NULL: no links */
	/* Must outlive the channels, texts included. */
	const struct target_origin *origins;
	size_t origin_count;
};

int channels_open(const struct channels_options *options, struct channels **out) must_check;

/* What only tests change: the clocks and the scheduler's tick. */
struct channels_tuning {
	int64_t (*now_us)(void);
	int64_t (*mono_us)(void);
	unsigned tick_ms;
	int64_t clock_trust_us; /* before housekeeping believes the clock */
};

int channels_open_tuned(const struct channels_options *options,
			const struct channels_tuning *tuning, struct channels **out) must_check;

/* Lets requests in flight finish (at most 10 s), stores their results, gives the leases back. */
void channels_close(struct channels *channels, void (*on_closed)(void *owner), void *owner);

/* POST, GET, GET {id} and DELETE /v1/channels ... */
int channels_add_routes(struct channels *channels, struct http_server *server) must_check;

/* What the views show and wake. */
struct deliveries *channels_deliveries(const struct channels *channels);
const struct paces *channels_paces(const struct channels *channels);

/* Channel has new deliveries. */
void channels_note_work(struct channels *channels, const struct uuid *channel);

#endif
