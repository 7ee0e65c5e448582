/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What teams expect: after an event X, an event Y about the same resource within a time
 * (docs/notes/expectations.md).
 *
 * It promises that an event changes the waits once, in the ledger's transaction, and that rules
 * and waits of a team stay bounded. It knows neither Redis nor a clock, only the times it is
 * given. Only the worker with the ledger's lease asks it (ledger/watch.c).
 *
 * Where it is decided:
 *
 *   rule.c      which rules are valid (1 min to 7 days); which events are X and Y
 *   rules.c     how many rules a team may have (20); that a change forgets what was awaited
 *   cache.c     when rules are read again; unreadable ones are left out
 *   batch.c     does an event begin or end a wait? Is a notice still true?
 *   waits.c     which waits are due or came late; how long both are kept; how many notices at once
 *   requests.c  which requests for snapshots begin a wait (they are no events)
 *   notice.c    what the notice of a missed or late event says
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
