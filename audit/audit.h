/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The audit trail (contract e): what an event writes, what a change of ours writes, and the two
 * list endpoints. Rows are written inside the caller's transaction.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/event.h"
#include "core/identity.h"
#include "core/str.h"
#include "core/uuid.h"
#include "http/http.h"
#include "store/store.h"

enum audit_mode { AUDIT_ALL, AUDIT_MISSING, AUDIT_OFF };

/* What the ledger found out about an event before its row is made. */
struct audit_facts {
	bool has_accept;    /* a matching accept event was seen in the last 15 minutes (a.7) */
	bool may_be_stored; /* by an earlier version, which gave rows of events another id */
};

struct audit_entry {
	struct uuid id;
	struct uuid old_id; /* zero unless a row of this id counts as this one */
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
	struct buf metadata_buf; /* audit_entry_done() frees it */
};

/* The mapping of e.6 with the modes of e.5 and point 7 of (o). Pure. False: no row. On true the
 * entry borrows text from the event. Its created_us and id are in the order of the stream. */
bool audit_entry_from_event(const struct event *event, enum audit_mode mode,
			    const struct audit_facts *facts, struct audit_entry *out) must_check;
void audit_entry_done(struct audit_entry *entry);

/* INSERT ... DO NOTHING on conflict; may be pipelined (see db_run()). */
int audit_insert(struct db *db, const struct audit_entry *entry) must_check;

/* Sets *is_other when a row of another event has the entry's id; may be pipelined. Who acted is not
 * compared, since erased users leave the rows. */
int audit_ask_other(struct db *db, const struct audit_entry *entry, bool *is_other) must_check;

/* For changes through our endpoints: who from the identity, random id, scope team. `metadata` is
 * a JSON object text without secrets. Writes nothing in AUDIT_OFF. */
int audit_insert_change(struct db *db, enum audit_mode mode, const struct identity *who,
			struct str resource_type, struct str resource_id, struct str action,
			struct str status, struct str metadata, int64_t now_us) must_check;

/* What `status` of a shown entry is: the two outcomes of the API, or the four words of the table,
 * which the control plane's dashboard colours. */
enum audit_status { AUDIT_STATUS_SEED, AUDIT_STATUS_DASHBOARD };

struct audit; /* the endpoints */
int audit_open(struct store *store, enum audit_status status, struct audit **out) must_check;
void audit_close(struct audit *audit);

/* GET /v1/audit-logs and GET /v1/admin/audit-logs. */
int audit_add_routes(struct audit *audit, struct http_server *server) must_check;

#endif
