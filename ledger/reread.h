/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Entries that are read again. Their rows are stored, so nothing is written a second time. But
 * Redis may have lost entries and given their ids to others. Then the stored rows belong to another
 * event, and the entry must not vanish silently.
 */
#ifndef LEDGER_REREAD_H
#define LEDGER_REREAD_H

#include <stdbool.h>

#include "audit/audit.h"
#include "core/attributes.h"
#include "core/event.h"
#include "ledger/matches.h"
#include "store/store.h"

struct reread {
	const struct event *event;
	bool is_other; /* another event is stored under its id */
};

/* Looks for an audit row and deliveries of another event under the ids of `reread->event`.
 * *reread must live in the job; it is filled after db_flush(). `team` may be NULL. */
int reread_ask(struct db *db, enum audit_mode mode, const struct team_matches *team,
	       struct reread *reread) must_check;

#endif
