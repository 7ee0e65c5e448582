/* SPDX-License-Identifier: Apache-2.0 */

/* Turns a row as audit/ writes it into the row that proof/ hashes: the columns as the API shows
 * them. */
#include "ledger/leaves.h"

#include <errno.h>
#include <stdlib.h>

#include "core/json.h"

#define METADATA_MAX 65536

int leaves_init(struct leaves *leaves, size_t rows)
{
	*leaves = (struct leaves){ .cap = rows };
	/* leaves_add() fills each, so the 200 KB of a large batch need not be zeroed. */
	leaves->all = malloc((rows ? rows : 1) * sizeof(*leaves->all));
	return leaves->all ? 0 : -ENOMEM;
}

void leaves_reset(struct leaves *leaves)
{
	for (size_t i = 0; i < leaves->count; i++)
		cJSON_Delete(leaves->all[i].metadata);
	leaves->count = 0;
}

void leaves_done(struct leaves *leaves)
{
	leaves_reset(leaves);
	free(leaves->all);
	leaves->all = NULL;
}

static void fill_row(struct new_leaf *leaf, const struct audit_entry *entry)
{
	id_format(ID_TEAM, &leaf->team, leaf->team_text);
	id_format(ID_AUDIT, &leaf->id, leaf->id_text);
	rfc3339_format(entry->created_us, 6, leaf->created_text);
	leaf->row = (struct leaf_row){
		.team_id = str_of(leaf->team_text),
		.id = str_of(leaf->id_text),
		.created_at = str_of(leaf->created_text),
		.actor_type = entry->actor_type,
		.actor_id = entry->actor_id,
		.actor_name = entry->actor_name,
		.resource_type = entry->resource_type,
		.resource_id = entry->resource_id,
		.action = entry->action,
		.scope = entry->scope,
		.status = entry->status,
		.metadata = leaf->metadata,
	};
}

int leaves_add(struct leaves *leaves, const struct audit_entry *entry, struct new_leaf **out)
{
	struct new_leaf *leaf = &leaves->all[leaves->count];
	int rc = 0;

	*leaf = (struct new_leaf){ .id = entry->id, .team = entry->team };
	if (!str_is(entry->metadata, "{}"))
		rc = json_parse(entry->metadata, METADATA_MAX, &leaf->metadata, NULL);
	if (rc < 0)
		return rc;
	fill_row(leaf, entry);
	leaves->count++;
	*out = leaf;
	return 0;
}

/* The row points to text inside the struct. */
static void move(struct new_leaf *to, const struct new_leaf *from)
{
	*to = *from;
	to->row.team_id.at = to->team_text;
	to->row.id.at = to->id_text;
	to->row.created_at.at = to->created_text;
}

void leaves_keep_new(struct leaves *leaves)
{
	size_t kept = 0;

	for (size_t i = 0; i < leaves->count; i++) {
		struct new_leaf *leaf = &leaves->all[i];

		if (leaf->inserted == 0 && !leaf->is_certain) {
			cJSON_Delete(leaf->metadata);
			continue;
		}
		if (kept < i)
			move(&leaves->all[kept], leaf);
		kept++;
	}
	leaves->count = kept;
}
