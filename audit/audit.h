/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The audit trail (contract e): rows for events, rows for changes made through our endpoints, the
 * lists and exports of them, and the checkpoints that prove them.
 *
 * It promises that a row is stored together with the change it reports, in the caller's
 * transaction, or not at all; that a team sees its own rows only; and that the proofs hold after a
 * person was erased.
 *
 *   GET    /v1/audit-logs, /v1/admin/audit-logs   endpoints.c decides who sees which rows; page.c
 *                                                 reads them
 *   GET    /v1/audit-logs/export                  export.c; a verifiable one signs a checkpoint
 *   GET    /v1/audit-logs/checkpoint, .../key     proofs.c
 *   POST   /v1/admin/audit-logs/forget            forget_call.c
 *
 * checkpoint.c makes every checkpoint. export.c asks for one at each verifiable export; ledger/
 * asks for the hourly ones and decides which rows are too old. mapping.c decides which event gets a
 * row.
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

/* Maps an event to its row by e.6, the modes of e.5 and point 7 of (o). Pure. Returns false if
 * there is no row. On true the entry borrows text from the event. created_us and id follow the
 * order of the stream. */
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

/* A checkpoint is committed and leaves the host. One that is not new did not, as far as the store
 * knows. */
void audit_publish(struct audit *audit, const struct audit_checkpoint *checkpoint);

/* The endpoints below /v1/audit-logs, and GET /v1/admin/audit-logs. */
int audit_add_routes(struct audit *audit, struct http_server *server) must_check;

#endif
