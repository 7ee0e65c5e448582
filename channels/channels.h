/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What owners change: notification channels (contract c), and what a team expects.
 *
 *   GET, POST            /v1/channels               list.c, create.c
 *   GET, PATCH, DELETE   /v1/channels/{id}          list.c, change.c, remove.c
 *   PUT                  /v1/channels/{id}/config   rotate.c
 *   POST                 /v1/channels/{id}/enable   change.c
 *   POST, DELETE         /v1/channels/{id}/snooze   snooze.c
 *   POST                 /v1/channels/test          test_send.c
 *   POST                 /v1/channels/preview       preview.c
 *   GET                  /v1/expectations           expectations.c
 *   PUT, DELETE          /v1/expectations/{id}      expectations.c
 *
 * It promises that a change and its audit row are stored together or not at all, that a team sees
 * and changes its own channels only, and that no answer repeats a setting.
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
