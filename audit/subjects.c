/* SPDX-License-Identifier: Apache-2.0 */

/* Only the holder of the lease makes keys, under the fence, so no other worker makes a missing one
 * at the same time. So "do nothing on conflict", which costs PostgreSQL a third of the insert, is
 * not needed. */
#include "audit/subjects.h"

#include <errno.h>
#include <stdlib.h>

#include "core/crypto.h"

#define FIRST_ROOM 16

static const struct db_query read_keys = {
	.sql = "SELECT s.team_id, s.subject, s.key FROM unnest($2::text[]) AS given (subject), "
	       "LATERAL (SELECT team_id, subject, key FROM audit_salts "
	       "WHERE team_id = $1 AND subject = given.subject LIMIT 1) s",
	.sqlite = "SELECT team_id, subject, key FROM audit_salts WHERE team_id = $1 "
		  "AND subject IN (SELECT value FROM json_each($2))",
};

static const struct db_query add_keys = {
	.sql = "INSERT INTO audit_salts (team_id, subject, key) "
	       "SELECT $1, subject, substring($3::bytea FROM (32 * (at - 1) + 1)::int FOR 32) "
	       "FROM unnest($2::text[]) WITH ORDINALITY AS given (subject, at)",
	.sqlite = "INSERT INTO audit_salts (team_id, subject, key) "
		  "SELECT $1, value, substr($3, 32 * key + 1, 32) FROM json_each($2)",
};

_Static_assert(LEAF_KEY_SIZE == 32, "the keys in add_keys");

void subjects_reset(struct subjects *subjects)
{
	if (subjects->all)
		explicit_bzero(subjects->all, subjects->count * sizeof(*subjects->all));
	if (subjects->count > 0)
		memset(subjects->slots, 0, 2 * subjects->cap * sizeof(*subjects->slots));
	subjects->count = 0;
}

void subjects_done(struct subjects *subjects)
{
	subjects_reset(subjects);
	free(subjects->all);
	free(subjects->slots);
	*subjects = (struct subjects){ .count = 0 };
}

/* The slot of the subject, or the empty one where it belongs. Half of the slots are empty. */
static uint32_t *slot_of(const struct subjects *subjects, const struct uuid *team, struct str name)
{
	size_t last = 2 * subjects->cap - 1;
	uint64_t hash = uuid_hash(team);

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)name.at[i]) * UINT64_C(1099511628211); /* FNV-1a */
	for (size_t at = hash ^ hash >> 32;; at++) {
		uint32_t *slot = &subjects->slots[at & last];
		const struct subject *subject = *slot ? &subjects->all[*slot - 1] : NULL;

		if (!subject || (uuid_eq(&subject->team, team) && str_eq(subject->name, name)))
			return slot;
	}
}

/* NULL: there is none. */
static struct subject *find(const struct subjects *subjects, const struct uuid *team,
			    struct str name)
{
	uint32_t slot = subjects->count > 0 ? *slot_of(subjects, team, name) : 0;

	return slot ? &subjects->all[slot - 1] : NULL;
}

/* Copies by hand: realloc() would leave keys in freed memory. */
static bool make_room(struct subjects *subjects)
{
	size_t cap = subjects->cap ? 2 * subjects->cap : FIRST_ROOM;
	struct subjects more = { .cap = cap };

	if (subjects->all && subjects->count < subjects->cap)
		return true;
	more.all = calloc(cap, sizeof(*more.all));
	more.slots = calloc(2 * cap, sizeof(*more.slots));
	if (!more.all || !more.slots) {
		free(more.all);
		free(more.slots);
		return false;
	}
	for (; subjects->all && more.count < subjects->count; more.count++) {
		struct subject *subject = &more.all[more.count];

		*subject = subjects->all[more.count];
		*slot_of(&more, &subject->team, subject->name) = (uint32_t)more.count + 1;
	}
	subjects_done(subjects);
	*subjects = more;
	return true;
}

struct gathering {
	struct subjects *subjects;
	const struct uuid *team;
};

static int gather(void *owner, const struct leaf_field *field, struct str name)
{
	const struct gathering *gathering = owner;
	struct subjects *subjects = gathering->subjects;

	(void)field;
	if (find(subjects, gathering->team, name))
		return 0;
	if (!make_room(subjects))
		return -ENOMEM;
	*slot_of(subjects, gathering->team, name) = (uint32_t)subjects->count + 1;
	subjects->all[subjects->count++] =
		(struct subject){ .team = *gathering->team, .name = name };
	return 0;
}

int subjects_gather(struct subjects *subjects, const struct uuid *team, const struct leaf_row *row)
{
	struct gathering gathering = { .subjects = subjects, .team = team };

	return leaf_each_personal(row, gather, &gathering);
}

/* ---- the store ----------------------------------------------------------------------------- */

static int on_key(const struct db_row *row, void *arg)
{
	const struct uuid team = row_uuid(row, 0);
	struct subject *subject = find(arg, &team, row_text(row, 1));
	struct str key = row_blob(row, 2);

	if (!subject)
		return -EIO; /* nobody asked for it */
	subject->is_damaged = key.len != LEAF_KEY_SIZE;
	if (subject->is_damaged)
		return 0;
	crypto_hmac_key(key, &subject->key);
	subject->has_key = true;
	return 0;
}

/* The subjects of one statement, all of one team. A batch may name hundreds. */
struct share {
	struct uuid team;
	struct subject **of;
	struct str *names;
	uint8_t (*keys)[LEAF_KEY_SIZE];
	size_t count;
};

/* The due subjects of one team: that of the subject at `from`, which is the first one due. */
static void take_team(struct share *share, struct subjects *subjects, size_t from)
{
	share->team = subjects->all[from].team;
	share->count = 0;
	for (size_t i = from; i < subjects->count; i++) {
		struct subject *subject = &subjects->all[i];

		if (!subject->is_due || !uuid_eq(&subject->team, &share->team))
			continue;
		subject->is_due = false;
		share->names[share->count] = subject->name;
		share->of[share->count++] = subject;
	}
}

/* Calls `run` for each team, with its subjects that have no key. */
static int each_team(struct subjects *subjects, struct db *db,
		     int (*run)(struct share *share, struct subjects *subjects, struct db *db))
{
	size_t most = subjects->count + 1;
	struct share share = {
		.of = calloc(most, sizeof(struct subject *)),
		.names = calloc(most, sizeof(*share.names)),
		.keys = calloc(most, sizeof(*share.keys)),
	};
	int rc = share.of && share.names && share.keys ? 0 : -ENOMEM;

	for (size_t i = 0; i < subjects->count; i++)
		subjects->all[i].is_due = !subjects->all[i].has_key && !subjects->all[i].is_damaged;
	for (size_t i = 0; i < subjects->count && rc == 0; i++) {
		if (!subjects->all[i].is_due)
			continue;
		take_team(&share, subjects, i);
		rc = run(&share, subjects, db);
	}
	if (share.keys)
		explicit_bzero(share.keys, most * sizeof(*share.keys));
	free(share.of);
	free(share.names);
	free(share.keys);
	return rc;
}

static int read_team(struct share *share, struct subjects *subjects, struct db *db)
{
	const struct db_value values[] = { db_uuid(&share->team),
					   db_words(share->names, share->count) };

	return db_run(db, &read_keys, values, ARRAY_LEN(values), on_key, subjects, NULL);
}

int subjects_read(struct subjects *subjects, struct db *db)
{
	return each_team(subjects, db, read_team);
}

static int make_keys(struct share *share, struct subjects *subjects, struct db *db)
{
	const struct str keys = { .at = (const char *)share->keys,
				  .len = share->count * sizeof(*share->keys) };
	const struct db_value values[] = { db_uuid(&share->team),
					   db_words(share->names, share->count), db_blob(keys) };

	(void)subjects;
	random_bytes(share->keys, keys.len);
	for (size_t i = 0; i < share->count; i++) {
		const struct str key = { .at = (const char *)share->keys[i], .len = LEAF_KEY_SIZE };

		crypto_hmac_key(key, &share->of[i]->key);
		share->of[i]->has_key = true;
	}
	return db_run(db, &add_keys, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int subjects_make_missing(struct subjects *subjects, struct db *db)
{
	return each_team(subjects, db, make_keys);
}

bool subjects_are_damaged(const struct subjects *subjects, const struct uuid *team)
{
	for (size_t i = 0; i < subjects->count; i++) {
		if (subjects->all[i].is_damaged && uuid_eq(&subjects->all[i].team, team))
			return true;
	}
	return false;
}

const struct hmac_key *subjects_key(const struct subjects *subjects, const struct uuid *team,
				    struct str name)
{
	const struct subject *subject = find(subjects, team, name);

	return subject && subject->has_key ? &subject->key : NULL;
}
