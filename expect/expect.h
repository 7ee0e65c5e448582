/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What teams expect: after an event X, an event Y about the same resource within a time
 * (docs/notes/expectations.md).
 *
 *   rule.h     one rule: JSON, forms, which events are its X and its Y
 *   rules.h    the rows of rules, for the endpoints
 *   cache.h    the rules of teams, read again only after a change
 *   batch.h    what a batch of events changes in the waits; the ledger writes it in its transaction
 *   waits.h    the rows of waits, with those that are due and those whose Y came late
 *   requests.h requests for snapshots, which begin waits without an event
 *   notice.h   a wait that ended, as an event for the stream
 *
 * It promises that an event changes the waits once, in the ledger's transaction, and that rules
 * and waits of a team stay bounded. It knows neither Redis nor a clock: waits.c compares with the
 * time it is given. Only the worker with the ledger's lease asks it (ledger/watch.c).
 */
#ifndef EXPECT_EXPECT_H
#define EXPECT_EXPECT_H

#include "expect/batch.h"
#include "expect/cache.h"
#include "expect/notice.h"
#include "expect/requests.h"
#include "expect/rule.h"
#include "expect/rules.h"
#include "expect/waits.h"

#endif
