/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The audit trail (contract e): rows for events, rows for changes made through our endpoints, the
 * lists and exports of them, and the checkpoints that prove them.
 *
 * It promises that a row is stored together with the change it reports, in the caller's
 * transaction, or not at all; that a team sees its own rows only; and that the proofs hold after a
 * person was erased.
 *
 * Where it is decided (docs/notes/audit-proof.md). ledger/ decides when the hourly checkpoints are
 * made and which rows are too old.
 *
 * A row is written
 *   mapping.c       which event gets which row, with what in it and at which time
 *   row_id.c        which id it gets, so that it is written once
 *   rows.c          is it there already? Must it wait for a leaf?
 *   subjects.c      when a person gets a key, so that values can be erased
 *
 * Somebody reads: GET /v1/audit-logs, /v1/admin/audit-logs and .../export
 *   endpoints.c     who sees which rows (a member, an admin, an API key)
 *   query.c         which parameters are valid
 *   page.c          how many rows a page looks at (5,000); what foreign or long values become
 *   export.c        how many exports run at once, how long (30 minutes), in which formats
 *   csv.c           which cells could run as a formula, and get an apostrophe
 *   ocsf.c          which activity, status and actor of OCSF a row has
 *   proof_page.c    in a verifiable export: what stands for rows that are left out
 *   proof_rows.c    ... and which rows count as missing or changed
 *
 * Checkpoints: GET /v1/audit-logs/checkpoint and .../key
 *   proofs.c        what an auditor gets
 *   checkpoint.c    is a new one needed? Is the tree damaged?
 *   signer.c        which key signs; who makes its file, and what a rotation keeps
 *   outlet.c        where a checkpoint goes, and when again after a failure
 *   note_command.c  what the operator's command gets, and whether it has taken it
 *   published.c     which checkpoints of an ended process are published again
 *
 * A person is erased: POST /v1/admin/audit-logs/forget
 *   forget_call.c   who is erased by request
 *   follow.c        who is erased after the account was deleted, and when (14 days later)
 *   forget.c        which values go, and when the key does
 *
 * Rows are kept in files
 *   archive.c       which name a file of old rows has, and what is in it
 *
 * Helpers: file_draft.c (a file appears when it is complete), checkpoint_event.c, note_file.c.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "audit/archive.h"
#include "audit/checkpoint.h"
#include "audit/forget.h"
#include "audit/published.h"
#include "audit/rows.h"
#include "audit/signer.h"
#include "audit/subjects.h"
#include "core/attributes.h"
#include "core/event.h"
#include "http/http.h"
#include "store/store.h"

/* What the ledger knows about an event before it writes the row. */
struct audit_facts {
	bool has_accept;    /* a matching accept event was seen in the last 15 minutes (a.7) */
	bool may_be_stored; /* an earlier version may have written its row, under another id */
};

/* Maps an event to its audit row for this mode (contract e.5, e.6 and o.7). Pure. Returns false if
 * the event has no row. If true, the entry borrows text from the event. created_us and id follow
 * the order of the stream. */
bool audit_entry_from_event(const struct event *event, enum audit_mode mode,
			    const struct audit_facts *facts, struct audit_entry *out) must_check;
void audit_entry_done(struct audit_entry *entry);

/* In AUDIT_MISSING: the control plane writes the row of this event. Pure. */
bool audit_is_left_out(const struct event *event, enum audit_mode mode,
		       const struct audit_facts *facts);

/* Values of `status` in answers: the two outcomes of the API, or the four words of the table, which
 * the control plane's dashboard shows in colours. */
enum audit_status { AUDIT_STATUS_SEED, AUDIT_STATUS_DASHBOARD };

struct audit_options {
	uv_loop_t *loop;
	struct store *store;
	enum audit_status status;
	const struct audit_signer *signer; /* must outlive it; NULL: no checkpoints */
	const char *checkpoint_folder;     /* NULL: none */
	const char *checkpoint_command;    /* NULL: none */
	announce_fn announce;              /* may be NULL */
	void *announcer;
};

struct audit; /* the endpoints, and the way that checkpoints leave the host */
int audit_open(const struct audit_options *options, struct audit **out) must_check;
/* Accepts NULL, and then calls on_closed at once. */
void audit_close(struct audit *audit, void (*on_closed)(void *owner), void *owner);

/* Publishes a committed checkpoint outside the host. If is_new is false, it is an earlier one that
 * the store does not list as published; it is ignored if it is already queued. */
void audit_publish(struct audit *audit, const struct audit_checkpoint *checkpoint);

/* The endpoints below /v1/audit-logs, and GET /v1/admin/audit-logs. */
int audit_add_routes(struct audit *audit, struct http_server *server) must_check;

#endif
