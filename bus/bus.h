/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Front door of bus/: Redis as contract section (a) uses it.
 *
 *   stream     the names of the stream, of the dead letters and of the pub/sub channel
 *   tail       plain XREAD from its own position. Every process reads all events for its live
 *              streams. Promise: every event in order, or a report of the gap. gap.c decides
 *              whether entries are missing between what we read and the stream now.
 *   consumer   the consumer group, which one process reads for all. Hands batches to the ledger.
 *              Promise: it acknowledges an entry only after the ledger has committed it.
 *   transient  SUBSCRIBE, for capsule.state.changed only. No promise: an event that is published
 *              while the connection is down is lost.
 *   wake       workers tell each other of new deliveries. No promise: the next scan finds them.
 *   range      XRANGE in bounded steps for replay, and the edges of the stream
 *   dead_letters  reads them, and offers one again
 *   group_state   how far the consumer group is
 *   moment     the clock of Redis with the newest id, and XADD for events of our own
 *   publish    XADD and PUBLISH for the command line, blocking
 *
 * entry.c decides what an entry of the stream is: an event, one to ignore, or a dead letter.
 *
 * Everything except publish runs on the loop and never blocks it.
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
