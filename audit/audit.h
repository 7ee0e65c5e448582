/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The audit trail (contract e): rows for events, rows for changes made through our endpoints, and
 * the two endpoints that list them. Rows are written inside the caller's transaction.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "audit/checkpoint.h"
#include "audit/signer.h"
#include "audit/subjects.h"
#include "core/attributes.h"
#include "core/event.h"
#include "core/identity.h"
#include "core/str.h"
#include "core/uuid.h"
#include "http/http.h"
#include "store/store.h"

enum audit_mode { AUDIT_ALL, AUDIT_MISSING, AUDIT_OFF };

/* What the ledger knows about an event before it writes the row. */
struct audit_facts {
	bool has_accept;    /* a matching accept event was seen in the last 15 minutes (a.7) */
	bool may_be_stored; /* an earlier version may have written its row, under another id */
};

struct audit_entry {
	struct uuid id;
	struct uuid old_id; /* a row of this id counts as this row; zero: none does */
	struct uuid team;
	struct str actor_type; /* user, api_key, host, system */
	struct str actor_id;   /* prefixed text; empty: NULL */
	struct str actor_name;
	struct str resource_type;
	struct str resource_id; /* empty: NULL */
	struct str action;
	struct str scope;    /* team, admin */
	struct str status;   /* the stored word: success, info, warning, error */
	struct str metadata; /* JSON object; lives in metadata_buf or is a constant */
	int64_t created_us;
	struct buf metadata_buf; /* free with audit_entry_done() */
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

/* Inserts the row unless its id exists; *inserted is 1 or 0. May be pipelined, as with db_run().
 * For the ledger, which makes the row a leaf of the team's tree in the same transaction. */
int audit_insert(struct db *db, const struct audit_entry *entry, int64_t *inserted) must_check;

/* The same for everybody else. Notes a new row in audit_waiting, for the ledger. */
int audit_insert_for_later(struct db *db, const struct audit_entry *entry,
			   int64_t now_us) must_check;

/* Sets *is_other if a row of another event has the entry's id. May be pipelined. Does not compare
 * the actor, because erasing a user clears it in the rows. */
int audit_ask_other(struct db *db, const struct audit_entry *entry, bool *is_other) must_check;

/* Writes the row of a change through our endpoints: actor from the identity, random id, scope team.
 * `metadata` is the text of a JSON object without secrets. Writes nothing in AUDIT_OFF. */
int audit_insert_change(struct db *db, enum audit_mode mode, const struct identity *who,
			struct str resource_type, struct str resource_id, struct str action,
			struct str status, struct str metadata, int64_t now_us) must_check;

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
	/* Adds an event about a checkpoint to the stream. May be NULL. */
	void (*announce)(struct str json, void *owner);
	void *owner;
};

struct audit; /* the endpoints, and the way that checkpoints leave the host */
int audit_open(const struct audit_options *options, struct audit **out) must_check;
void audit_close(struct audit *audit, void (*on_closed)(void *owner), void *owner);

/* A checkpoint is committed and leaves the host. */
void audit_publish(struct audit *audit, const struct audit_checkpoint *checkpoint);

/* The endpoints below /v1/audit-logs, and GET /v1/admin/audit-logs. */
int audit_add_routes(struct audit *audit, struct http_server *server) must_check;

#endif
