/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Entries that come again. What they caused is stored already, so nothing is written a second
 * time; but when Redis lost entries and gave their ids to others, what is stored is of another
 * event, and that must not pass in silence.
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

/* Asks for the audit row and the deliveries under the ids that `reread->event` would give its
 * own. *reread, which lives in the job, is filled by the time of db_flush(). `team` may be
 * NULL. */
int reread_ask(struct db *db, enum audit_mode mode, const struct team_matches *team,
	       struct reread *reread) must_check;

#endif
