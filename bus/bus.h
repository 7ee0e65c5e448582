/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Front door of bus/: Redis as contract section (a) uses it. stream.h has the names of the stream,
 * of the dead letters and of the pub/sub channels, and how long both streams may grow.
 *
 * Promises: the tail shows every event in order, or reports the gap. The consumer acknowledges an
 * entry only after the ledger has committed it. Transient events and the messages of workers have
 * no promise: what is published while the connection is down is lost. Everything except publishing
 * by the command line runs on the loop and never blocks it.
 *
 * Where it is decided:
 *
 * The tail: every process reads all events for its live streams
 *   tail.c          when it reads, checks and reports
 *   gap.c           are entries missing between what was read and the stream now?
 *   recent.c        is it still the same stream? (the last 64 entries tell)
 *   linger.c        does an entry wait for others? (the consumer asks, too)
 *   transient.c     which pub/sub messages are events: capsule.state.changed alone
 *
 * The consumer: one process reads the group for all, and hands batches to the ledger
 *   consumer.c      does this process read, wait or begin again?
 *   group.c         where the group begins, or is set back to
 *   reader.c        how many entries are read at once, and which first; does an earlier leader
 *                   hold one that comes before them?
 *   entry.c         what is an entry: an event, ignored (an unknown kind), or a dead letter?
 *   batch.c         how much of an unreadable payload is kept
 *   commit.c        when an entry is acknowledged, and a failed batch is tried again
 *   claim.c         whose pending entries are taken over; which consumers are removed
 *   lag.c           when is a lag worth a warning (5,000 entries)?
 *   unknown.c       how often the log names an unknown kind
 *   trim_warning.c  how often it names entries that were trimmed before a commit
 *
 * For other folders
 *   range.c         steps of a replay, and the edges: was the stream ever trimmed?
 *   dead_letters.c  which dead letter may be offered again
 *   wake.c          which messages of other workers count (new deliveries, paces)
 *   publication.c   which events does `publish` refuse? (stricter than a reader)
 *   publish.c       what goes first, stream or pub/sub, and what if one fails
 *
 * Helpers: group_state.c (how far the group is), moment.c (clock of Redis, XADD of our own events),
 * reply.c, counters.c, dues.c.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "bus/consumer.h"
#include "bus/dead_letters.h"
#include "bus/group_state.h"
#include "bus/moment.h"
#include "bus/publish.h"
#include "bus/range.h"
#include "bus/stream.h"
#include "bus/tail.h"
#include "bus/transient.h"
#include "bus/wake.h"

#endif
