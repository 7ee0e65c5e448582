/* SPDX-License-Identifier: Apache-2.0 */

/* The parameters of a statement. */
#ifndef STORE_VALUES_H
#define STORE_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"
#include "core/uuid.h"

#define DB_PARAMS_MAX 64

/* A parameter. Columns are declared in store/schema/; each type has one form per engine:
 *   text   text            | text
 *   int    bigint/integer  | integer
 *   bool   boolean         | integer 0/1
 *   uuid   uuid            | text, lower-case, hyphenated
 *   time   timestamptz     | text, "2026-05-24T05:02:08.123456Z"
 *   json   jsonb           | text
 *   words  text[]          | text, JSON array of strings
 *   blob   bytea           | blob
 */
struct db_value {
	enum {
		DB_NULL,
		DB_TEXT,
		DB_INT,
		DB_BOOL,
		DB_UUID,
		DB_TIME,
		DB_JSON,
		DB_WORDS,
		DB_BLOB
	} type;
	union {
		struct str text; /* text, json, blob; text must be UTF-8 without NUL */
		int64_t number;  /* int, bool, time (microseconds since 1970) */
		struct uuid uuid;
		struct {
			const struct str *items;
			size_t count;
		} words;
	};
};

static inline struct db_value db_null(void)
{
	return (struct db_value){ .type = DB_NULL };
}
static inline struct db_value db_text(struct str text)
{
	return (struct db_value){ .type = DB_TEXT, .text = text };
}
/* NULL for the empty slice. */
static inline struct db_value db_text_or_null(struct str text)
{
	return text.len ? db_text(text) : db_null();
}
static inline struct db_value db_int(int64_t number)
{
	return (struct db_value){ .type = DB_INT, .number = number };
}
static inline struct db_value db_bool(bool yes)
{
	return (struct db_value){ .type = DB_BOOL, .number = yes };
}
static inline struct db_value db_uuid(const struct uuid *id)
{
	return (struct db_value){ .type = DB_UUID, .uuid = *id };
}
static inline struct db_value db_time(int64_t us)
{
	return (struct db_value){ .type = DB_TIME, .number = us };
}
static inline struct db_value db_json(struct str json)
{
	return (struct db_value){ .type = DB_JSON, .text = json };
}
static inline struct db_value db_blob(struct str bytes)
{
	return (struct db_value){ .type = DB_BLOB, .text = bytes };
}
static inline struct db_value db_words(const struct str *items, size_t count)
{
	return (struct db_value){ .type = DB_WORDS, .words = { .items = items, .count = count } };
}

/* 0, or -EINVAL for values that the engines would cut, misread or store differently. */
int db_values_check(const struct db_value *values, size_t count) must_check;

/* The text form of uuid, time, json, text, and int, bool and words as the engine has them. */
void db_value_write(struct buf *out, const struct db_value *value, bool embedded);

#endif
