/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What owners change: notification channels (contract c), and what a team expects.
 *
 * It promises that a change and its audit row are stored together or not at all, that a team sees
 * and changes its own channels only, and that no answer repeats a setting.
 *
 * Where it is decided:
 *
 * /v1/channels
 *   create.c         POST: the order of body, targets, row
 *   list.c           GET, and GET /{id}: how many on a page
 *   change.c         PATCH /{id}, POST /{id}/enable: what becomes of the backlog
 *   remove.c         DELETE /{id}: who drops the backlog
 *   rotate.c         PUT /{id}/config: how long an old secret stays valid (1 day, 7 at most)
 *   snooze.c         POST and DELETE /{id}/snooze: how long (30 days at most)
 *   release.c        ... and what becomes of rows that were held
 *   test_send.c      POST /test: what it tries, in ten seconds in all
 *   test_quota.c     ... and how many tests a team may send (10 a minute)
 *   preview.c        POST /preview: what is shown of a message
 *   request_view.c   ... of its size and cuts (no URL, no header)
 *   mask.c           ... and which credentials are hidden in it
 *   expectations.c   /v1/expectations: GET, PUT, DELETE (expect/ decides what a rule may be)
 *
 * What they share
 *   draft.c          which bodies are valid: name, kinds, settings; a missing secret is made
 *   rows.c           how many channels a team may have (50); what is shown and audited
 *   rows_change.c    what else a change does: failures are forgotten; unknown kinds may stay
 *   rows_options.c   which channels lose their fallback when a channel is deleted
 *   rows_fallback.c  which fallback is refused (a chain, another team's)
 *   sample.c         the made-up event of a test or a preview
 *
 * Helpers: channels.c (routes), call.c, pauses.c (waits of requests), team_name.c.
 */
#ifndef CHANNELS_CHANNELS_H
#define CHANNELS_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "audit/audit.h"
#include "core/attributes.h"
#include "delivery/delivery.h"
#include "http/http.h"
#include "store/store.h"

struct channels;

/* The pointers must outlive the channels. */
struct channels_options {
	uv_loop_t *loop;
	struct store *store;
	struct route *route; /* for tests, and to judge targets */
	struct deliveries *deliveries;
	const uint8_t *key;     /* SEAL_KEY_SIZE bytes; copied */
	bool strip_host;        /* WRENN_EVENTS_STRIP_HOST, for previews */
	bool notify_completion; /* WRENN_EVENTS_NOTIFY_ON, for the samples of previews */
	enum audit_mode audit_mode;
	int64_t (*now_us)(void);  /* wall clock */
	int64_t (*mono_us)(void); /* the clock of the paces */
};

int channels_open(const struct channels_options *options, struct channels **out) must_check;

/* Sends nothing more, and ends the tests that wait for a pace. Accepts NULL. */
void channels_stop(struct channels *channels);
/* After route_close(), which ends the requests of tests. Accepts NULL. */
void channels_close(struct channels *channels);

int channels_add_routes(struct channels *channels, struct http_server *server) must_check;

#endif
