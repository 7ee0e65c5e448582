/* SPDX-License-Identifier: Apache-2.0 */

#include "audit/published.h"

#include <stdlib.h>
#include <string.h>

#include "core/errno_text.h"
#include "core/log.h"

static const struct db_query note_published = {
	.sql = "INSERT INTO audit_published (tree, size) VALUES ($1, $2) "
	       "ON CONFLICT (tree) DO UPDATE SET size = excluded.size "
	       "WHERE audit_published.size < excluded.size",
};

#define OTHERS_OF(listener)                                                                       \
	"SELECT trees.tree, trees.team_id, c.size, c.at, c.note, EXISTS (SELECT 1 FROM channels " \
	"WHERE team_id = trees.team_id AND " listener                                             \
	") FROM (SELECT tree, team_id FROM audit_trees WHERE tree > $1 ORDER BY tree LIMIT 32) "  \
	"trees JOIN audit_checkpoints c ON c.tree = trees.tree AND c.size = (SELECT max(size) "   \
	"FROM audit_checkpoints WHERE tree = trees.tree) WHERE NOT EXISTS (SELECT 1 FROM "        \
	"audit_published p WHERE p.tree = trees.tree AND p.size >= c.size)"

static const struct db_query find_others = {
	.sql = OTHERS_OF("'audit.checkpoint' = ANY(event_types)"),
	.sqlite = OTHERS_OF("EXISTS (SELECT 1 FROM json_each(event_types) "
			    "WHERE value = 'audit.checkpoint')"),
};

_Static_assert(PUBLISHED_PIECE == 32, "the LIMIT of find_others");

/* ---- what is out --------------------------------------------------------------------------- */

struct published {
	struct store_job job;
	int64_t tree;
	int64_t size;
};

static int run_note(struct db *db, struct store_job *job)
{
	const struct published *published = container_of(job, struct published, job);
	const struct db_value values[] = { db_int(published->tree), db_int(published->size) };

	return db_run_now(db, &note_published, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

static void warn_failed(int rc)
{
	log_warn("cannot note that a checkpoint has left the host, so the next start publishes it "
		 "again",
		 log_str("error", errno_text(rc)));
}

static void on_noted(struct store_job *job, int rc)
{
	if (rc < 0)
		warn_failed(rc);
	free(container_of(job, struct published, job));
}

void published_note(struct store *store, const struct audit_checkpoint *checkpoint)
{
	struct published *published = calloc(1, sizeof(*published));
	int rc = -ENOMEM;

	if (published) {
		*published = (struct published){
			.job = { .run = run_note, .on_done = on_noted },
			.tree = checkpoint->tree,
			.size = checkpoint->size,
		};
		rc = store_write(store, &published->job);
	}
	if (rc < 0) {
		warn_failed(rc);
		free(published);
	}
}

/* ---- what is not --------------------------------------------------------------------------- */

struct unpublished {
	struct audit_checkpoint *out;
	size_t count;
};

static int on_other(const struct db_row *row, void *arg)
{
	struct unpublished *found = arg;
	struct audit_checkpoint *out = &found->out[found->count];
	struct str note = row_text(row, 4);

	if (note.len >= sizeof(out->note))
		return 0; /* somebody has changed it, and an export says so */
	*out = (struct audit_checkpoint){
		.tree = row_int(row, 0),
		.team = row_uuid(row, 1),
		.size = row_int(row, 2),
		.at_us = row_time(row, 3),
		.is_wanted = row_bool(row, 5),
	};
	memcpy(out->note, note.at, note.len);
	found->count++;
	return 0;
}

int published_find_others(struct db *db, int64_t after_tree,
			  struct audit_checkpoint out[PUBLISHED_PIECE], size_t *count)
{
	const struct db_value after = db_int(after_tree);
	struct unpublished found = { .out = out };
	int rc = db_run_now(db, &find_others, &after, 1, on_other, &found, NULL);

	*count = found.count;
	return rc;
}
