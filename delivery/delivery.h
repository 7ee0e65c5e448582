/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Delivers what the ledger stored, and keeps the tables of deliveries in order.
 *
 * It promises:
 * - A delivery goes out until it is delivered, refused for good, or 24 hours old. It never
 *   vanishes; its row says what became of it.
 * - One worker at a time works on a channel, under a lease, and sends one request at a time, in
 *   stream order. Each result is stored before the next request leaves.
 * - No team takes all slots for requests, and no dead destination delays another channel.
 * - Nothing is sent that could not be stored: while the store is away, everything waits.
 *
 *   route.h          the way to all destinations, which deliveries and tests share
 *   attempt.h        one request, for deliveries and for test notifications
 *   breaker.h        how a channel does after failures
 *   transitions.h    every statement that moves deliveries from state to state
 *
 * One delivery passes scheduler, load, send, judge and record. Where a decision is made:
 *
 *   hold.c                 is it kept back now? (quiet hours, snooze)
 *   coalesce.c, storm.c    does one message stand for several? (fold.c writes a digest)
 *   living.c               is a message edited, and which, or a new one posted?
 *   states.c               what follows from an answer: is it done, tried again and when, or posted
 *                          anew because the edited message is gone? (the provider says that)
 *   judge.c                what does the provider's verdict change besides: the pace, the settings?
 *   breaker.c              is the channel paused or disabled after failures?
 *   fallback.c             does another channel take over?
 *   housekeeping.c         which rows are old enough to go?
 *
 * docs/notes/delivery.md
 */
#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H

#include "core/attributes.h"
#include "core/fresh_rows.h"
#include "core/uuid.h"
#include "delivery/attempt.h"
#include "delivery/breaker.h"
#include "delivery/options.h"
#include "delivery/route.h"
#include "delivery/transitions.h"

struct deliveries;

int deliveries_open(const struct delivery_options *options, struct deliveries **out) must_check;

/* Sends nothing more. Running requests may end by themselves for 10 s; their results are stored and
 * the leases given back before on_closed. Accepts NULL, and then calls on_closed at once. */
void deliveries_close(struct deliveries *deliveries, void (*on_closed)(void *owner), void *owner);

/* The channel has these new rows. They are sent from memory while this worker works on the channel,
 * and read from the store otherwise. */
void deliveries_take(struct deliveries *deliveries, const struct fresh_rows *fresh);
/* The channel has new rows. */
void deliveries_note(struct deliveries *deliveries, const struct uuid *channel);
/* Another worker has stored rows of this channel. Does nothing unless this worker works on it. */
void deliveries_wake(struct deliveries *deliveries, const struct uuid *channel);
/* This worker writes the ledger from now on. The last writer may have ended between a commit and
 * its word to other workers, so any channel may have rows that this worker does not know. It reads
 * them before it takes newer ones from deliveries_take(). */
void deliveries_lead(struct deliveries *deliveries);
/* The channel was changed or enabled, or rows of it were made pending or dropped. Everything known
 * about it is read again before anything is sent. */
void deliveries_changed(struct deliveries *deliveries, const struct uuid *channel);
/* The channel was deleted. A running request is cancelled as well. */
void deliveries_removed(struct deliveries *deliveries, const struct uuid *channel);

#endif
