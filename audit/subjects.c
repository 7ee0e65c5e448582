/* SPDX-License-Identifier: Apache-2.0 */

/* Only the holder of the lease makes keys, so a key that was not found is nobody else's. */
#include "audit/subjects.h"

#include <errno.h>
#include <stdlib.h>

#include "core/crypto.h"

static const struct db_query read_key = {
	.sql = "SELECT key FROM audit_salts WHERE team_id = $1 AND subject = $2",
};

static const struct db_query add_key = {
	.sql = "INSERT INTO audit_salts (team_id, subject, key) VALUES ($1, $2, $3) "
	       "ON CONFLICT (team_id, subject) DO NOTHING",
};

void subjects_reset(struct subjects *subjects)
{
	if (subjects->all)
		explicit_bzero(subjects->all, subjects->count * sizeof(*subjects->all));
	subjects->count = 0;
}

void subjects_done(struct subjects *subjects)
{
	subjects_reset(subjects);
	free(subjects->all);
	*subjects = (struct subjects){ .count = 0 };
}

/* From the newest, because the next row often names the same person. */
static struct subject *find(const struct subjects *subjects, const struct uuid *team,
			    struct str name)
{
	for (size_t i = subjects->count; i > 0; i--) {
		struct subject *subject = &subjects->all[i - 1];

		if (uuid_eq(&subject->team, team) && str_eq(subject->name, name))
			return subject;
	}
	return NULL;
}

static bool make_room(struct subjects *subjects)
{
	size_t cap = subjects->cap ? 2 * subjects->cap : 8;
	struct subject *more;

	if (subjects->count < subjects->cap)
		return true;
	more = calloc(cap, sizeof(*more));
	if (!more)
		return false;
	if (subjects->all)
		memcpy(more, subjects->all, subjects->count * sizeof(*more));
	free(subjects->all);
	subjects->all = more;
	subjects->cap = cap;
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
	subjects->all[subjects->count++] =
		(struct subject){ .team = *gathering->team, .name = name };
	return 0;
}

int subjects_gather(struct subjects *subjects, const struct uuid *team, const struct leaf_row *row)
{
	struct gathering gathering = { .subjects = subjects, .team = team };

	return leaf_each_personal(row, gather, &gathering);
}

static int on_key(const struct db_row *row, void *arg)
{
	struct subject *subject = arg;
	struct str key = row_blob(row, 0);

	subject->is_damaged = key.len != LEAF_KEY_SIZE;
	if (subject->is_damaged)
		return 0;
	memcpy(subject->key, key.at, LEAF_KEY_SIZE);
	subject->has_key = true;
	return 0;
}

int subjects_read(struct subjects *subjects, struct db *db)
{
	int rc = 0;

	for (size_t i = 0; i < subjects->count && rc == 0; i++) {
		struct subject *subject = &subjects->all[i];
		const struct db_value values[] = { db_uuid(&subject->team),
						   db_text(subject->name) };

		rc = db_run(db, &read_key, values, ARRAY_LEN(values), on_key, subject, NULL);
	}
	return rc;
}

static int make(struct subject *subject, struct db *db)
{
	random_bytes(subject->key, LEAF_KEY_SIZE);
	subject->has_key = true;

	const struct db_value values[] = {
		db_uuid(&subject->team),
		db_text(subject->name),
		db_blob((struct str){ .at = (const char *)subject->key, .len = LEAF_KEY_SIZE }),
	};

	return db_run(db, &add_key, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int subjects_make_missing(struct subjects *subjects, struct db *db)
{
	int rc = 0;

	for (size_t i = 0; i < subjects->count && rc == 0; i++) {
		if (!subjects->all[i].has_key && !subjects->all[i].is_damaged)
			rc = make(&subjects->all[i], db);
	}
	return rc;
}

bool subjects_are_damaged(const struct subjects *subjects, const struct uuid *team)
{
	for (size_t i = 0; i < subjects->count; i++) {
		if (subjects->all[i].is_damaged && uuid_eq(&subjects->all[i].team, team))
			return true;
	}
	return false;
}

const uint8_t *subjects_key(const struct subjects *subjects, const struct uuid *team,
			    struct str name)
{
	const struct subject *subject = find(subjects, team, name);

	return subject && subject->has_key ? subject->key : NULL;
}
