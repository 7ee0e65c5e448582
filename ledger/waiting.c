/* SPDX-License-Identifier: Apache-2.0 */

/* A row is copied as it is read, because its person's key must be read before it can be hashed. */
#include "ledger/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

static const struct db_query read_rows = {
	.sql = "SELECT w.noted_at, w.audit_id, a.team_id, a.created_at, a.actor_type, a.actor_id, "
	       "a.actor_name, a.resource_type, a.resource_id, a.action, a.scope, a.status, "
	       "a.metadata FROM (SELECT noted_at, audit_id FROM audit_waiting "
	       "WHERE (noted_at, audit_id) > ($1, $2) ORDER BY noted_at, audit_id LIMIT 100) w "
	       "LEFT JOIN audit_logs a ON a.id = w.audit_id ORDER BY w.noted_at, w.audit_id",
};

_Static_assert(WAITING_MAX == 100, "the LIMIT of read_rows");

static const struct db_query remove_note = {
	.sql = "DELETE FROM audit_waiting WHERE noted_at = $1 AND audit_id = $2",
};

int waiting_init(struct waiting *waiting)
{
	*waiting = (struct waiting){ .trees.count = 0 };
	int rc = trees_init(&waiting->trees, WAITING_MAX);

	waiting->trees.leaves_can_wait = true;
	return rc;
}

static void reset(struct waiting *waiting)
{
	trees_reset(&waiting->trees);
	for (size_t i = 0; i < waiting->count; i++) {
		free(waiting->texts[i]);
		waiting->texts[i] = NULL;
	}
	waiting->count = 0;
}

void waiting_done(struct waiting *waiting)
{
	reset(waiting);
	trees_done(&waiting->trees);
}

#define FIRST_TEXT 4
#define TEXTS      9

/* Copies the texts of the row into one block. NULL when out of memory. */
static char *keep_texts(const struct db_row *row, struct str out[TEXTS])
{
	size_t len = 1;
	char *block;
	char *at;

	for (int i = 0; i < TEXTS; i++)
		len += row_text(row, FIRST_TEXT + i).len;
	block = malloc(len);
	at = block;
	for (int i = 0; block && i < TEXTS; i++) {
		struct str text = row_text(row, FIRST_TEXT + i);

		if (text.len > 0)
			memcpy(at, text.at, text.len);
		out[i] = (struct str){ .at = at, .len = text.len };
		at += text.len;
	}
	return block;
}

static int add_row(struct waiting *waiting, const struct db_row *row, const struct str texts[TEXTS])
{
	const struct audit_entry entry = {
		.id = row_uuid(row, 1),
		.team = row_uuid(row, 2),
		.created_us = row_time(row, 3),
		.actor_type = texts[0],
		.actor_id = texts[1],
		.actor_name = texts[2],
		.resource_type = texts[3],
		.resource_id = texts[4],
		.action = texts[5],
		.scope = texts[6],
		.status = texts[7],
		.metadata = texts[8],
	};
	struct new_leaf *leaf;
	int rc = trees_add(&waiting->trees, &entry, &leaf);

	if (rc == 0)
		leaf->inserted = 1;
	return rc;
}

static int on_row(const struct db_row *row, void *arg)
{
	struct waiting *waiting = arg;
	struct waiting_key *key = &waiting->keys[waiting->count];
	struct str texts[TEXTS];
	char id[UUID_TEXT_SIZE];
	int rc;

	key->noted_us = row_time(row, 0);
	key->id = row_uuid(row, 1);
	waiting->texts[waiting->count] = keep_texts(row, texts);
	if (!waiting->texts[waiting->count++])
		return -ENOMEM;
	key->team = row_uuid(row, 2);
	rc = row_is_null(row, 2) ? -ENOENT : add_row(waiting, row, texts);
	if (rc == 0 || rc == -ENOMEM)
		return rc;
	uuid_format(&key->id, id);
	log_warn("a row of the audit log was removed or damaged before it became a leaf of its "
		 "tree",
		 log_str("row", id));
	return 0;
}

static int remove_notes(const struct waiting *waiting, struct db *db)
{
	int rc = 0;

	for (size_t i = 0; i < waiting->count && rc == 0; i++) {
		const struct waiting_key *key = &waiting->keys[i];
		const struct db_value values[] = { db_time(key->noted_us), db_uuid(&key->id) };

		if (!trees_is_damaged(&waiting->trees, &key->team))
			rc = db_run(db, &remove_note, values, ARRAY_LEN(values), NULL, NULL, NULL);
	}
	return rc;
}

int waiting_take(struct waiting *waiting, struct db *db)
{
	const struct db_value values[] = { db_time(waiting->from.noted_us),
					   db_uuid(&waiting->from.id) };
	int rc;

	reset(waiting);
	waiting->next = (struct waiting_key){ .noted_us = 0 };
	rc = db_run_now(db, &read_rows, values, ARRAY_LEN(values), on_row, waiting, NULL);
	if (rc == 0)
		rc = trees_write(&waiting->trees, db);
	if (rc == 0)
		rc = remove_notes(waiting, db);
	if (rc == 0)
		rc = db_flush(db);
	if (rc == 0 && waiting->count == WAITING_MAX)
		waiting->next = waiting->keys[WAITING_MAX - 1];
	return rc;
}

void waiting_taken(struct waiting *waiting, int rc)
{
	waiting->from = rc == 0 ? waiting->next : (struct waiting_key){ .noted_us = 0 };
}
