/* SPDX-License-Identifier: Apache-2.0 */

/* Counts the most characters that each name may need, however the provider escapes it. */
#include "delivery/fold_names.h"

#include <ctype.h>
#include <stdio.h>

#include "core/utf8.h"

#define BUDGET       2000 /* of Slack's 3,000 characters; the rest is for the counts */
#define ESCAPE       5    /* "&amp;" */
#define FAILURE_COST 320  /* its error */

static size_t cost_of(const struct digest_name *name)
{
	struct str text = name->resource_id;
	size_t cost = sizeof(", ");

	for (size_t i = 0; i < text.len && i < FOLD_NAME_SIZE; i++)
		cost += isalnum((unsigned char)text.at[i]) || text.at[i] == '-' ? 1 : ESCAPE;
	return cost + (str_is(name->outcome, "error") ? FAILURE_COST : 0);
}

static bool has_room(const struct fold_names *names, size_t cost, bool is_new)
{
	return names->events < 2 ||
	       (names->cost + cost <= BUDGET && names->count < DIGEST_MAX_NAMES &&
		names->kinds + is_new <= DIGEST_MAX_GROUPS);
}

bool fold_names_take(struct fold_names *names, const struct digest_name *name, bool is_new)
{
	size_t cost = cost_of(name);
	struct fold_name *kept;

	names->is_full = names->is_full || !has_room(names, cost, is_new);
	if (names->is_full)
		return false;
	names->events++;
	names->cost += cost;
	names->kinds += is_new;
	if (str_is(name->outcome, "error"))
		return true;
	kept = &names->items[names->count++];
	snprintf(kept->event, sizeof(kept->event), "%.*s", STR_ARGS(name->event));
	kept->outcome = name->outcome;
	snprintf(kept->resource, sizeof(kept->resource), "%.*s",
		 STR_ARGS(utf8_cut(name->resource_id, FOLD_NAME_SIZE - 1)));
	return true;
}

void fold_names_write(const struct fold_names *names, struct digest *digest)
{
	for (size_t i = 0; i < names->count; i++)
		digest->names[digest->name_count++] = (struct digest_name){
			.event = str_of(names->items[i].event),
			.outcome = names->items[i].outcome,
			.resource_id = str_of(names->items[i].resource),
		};
}
