/* SPDX-License-Identifier: Apache-2.0 */

/* When snapshots came to an end, so that their usual duration is known. Written once per event,
 * in the transaction of its batch. */
#ifndef LEDGER_SNAPSHOTS_H
#define LEDGER_SNAPSHOTS_H

#include "core/attributes.h"
#include "core/event.h"
#include "store/store.h"

/* Writes nothing for other events. Pipelined. */
int snapshot_note_outcome(struct db *db, const struct event *event) must_check;

#endif
