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
 * One delivery passes scheduler, load, send, judge and record. Where it is decided
 * (docs/notes/delivery.md):
 *
 * Which channel, and when
 *   scheduler.c      which channel is served when, and which step starts
 *   scan.c           which channels have work but no worker; disabled ones are passed over
 *   lease.c          which worker has a channel, and for how long (30 s)
 *   orphans.c        whose leases end at once: those of dead processes of this machine
 *   news.c           which waiting channel gives its place to one with work
 *   queue.c          does a channel go on, wait, rest or leave this worker?
 *   room.c           how much memory rows get, and which are forgotten when it is used up
 *   shares.c         which team gets the next slot for a request; slow channels share half of them
 *   clock.c          what a clock that was set changes for leases, pauses and the 24 hours that
 *                    a delivery is tried
 *
 * What goes out
 *   load.c           which rows are read, and how many at once
 *   fresh.c          may a row come straight from the ledger, without a read?
 *   settings.c       when settings are decrypted; which old secrets are left out
 *   hold.c           is it kept back now? (until when: core/channel_hold.c)
 *   storm.c          does the backlog become one message, a digest?
 *   fold.c           which rows a digest takes in, counts and shows
 *   fold_names.c     how many names fit into it
 *   coalesce.c       does a newer state of a capsule replace older ones?
 *   living.c         is a message edited, and which, or a new one posted? When is it forgotten?
 *   send.c           may it go now? (lease, targets/pace.c) What becomes of it when it cannot be
 *                    built, or its settings do not decrypt? How long may a request take (10 s)?
 *   attempt.c        does a lookup precede an edit: is the message still there?
 *
 * What follows from an answer
 *   judge.c          what else a verdict changes: the pace, a setting, the form of the message, a
 *                    digest that is split
 *   states.c         what becomes of the delivery: done, failed for good, posted again, or tried
 *                    again, and when (10 s to 8 h, for 24 hours); which one is next; how long a
 *                    retry holds up newer ones
 *   breaker.c        is the channel paused (five failures in a row), or disabled?
 *   excerpt.c        how much of an answer its owner may read
 *   record.c         what is stored with a result, and whose change wins
 *   unstored.c       may the next one leave before the result is stored?
 *   transitions.c    which rows a move may touch; every statement that moves them
 *   fallback.c       how often failing channels are checked for a takeover
 *   fallback_rows.c  does another channel take over or hand back, and which rows does it get?
 *
 * What ends
 *   cancel.c         is a running request cancelled because its channel was deleted?
 *   drop.c           what else goes with a deleted channel or team: its rows, piece by piece
 *   expired.c        may the backlog of a long disabled channel go now?
 *   housekeeping.c   which rows are old enough to go, and which worker removes them
 *   clock_trust.c    is the clock trusted to say what is old?
 *   purge.c          how many rows go at a time
 *
 * Helpers: delivery.c and engine.c (opening, what all steps share), route.c (client, guard and
 * paces, shared with tests), activity.c (counters for owners), attempt_metrics.c.
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
