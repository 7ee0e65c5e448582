/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which channels an event goes to (contract d.1), by their kinds and filters. The channels of all
 * teams of a batch are read in one round. A deleted team has none.
 */
#ifndef LEDGER_MATCHES_H
#define LEDGER_MATCHES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/attributes.h"
#include "core/channel_options.h"
#include "core/event.h"
#include "core/fresh_rows.h"
#include "core/uuid.h"
#include "store/store.h"

struct channel_match {
	unsigned kinds;                  /* one bit per enum event_kind */
	struct channel_options *options; /* NULL: none */
	bool is_used;                    /* it got a delivery */
	struct fresh_rows fresh;         /* its deliveries, for the engine */
};

struct team_matches {
	struct uuid team;
	struct channel_match *channels; /* oldest first */
	size_t count;
	size_t cap;
};

struct matches {
	struct team_matches *teams;
	size_t count;
	size_t cap;
};

int matches_init(struct matches *matches, size_t events) must_check;
void matches_done(struct matches *matches);
void matches_reset(struct matches *matches);

/* Notes the event's team. */
void matches_gather(struct matches *matches, const struct event *event);
/* Pipelined; complete after the caller's db_flush(). */
int matches_read(struct matches *matches, struct db *db) must_check;

struct team_matches *matches_of(const struct matches *matches, const struct uuid *team);
/* True when the channel names the event's kind and its filter lets the event pass. */
bool match_wants(const struct channel_match *match, const struct event *event);

#endif
