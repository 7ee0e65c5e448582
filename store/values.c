/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Parameters: checked before either engine sees them, and written in the form it wants. PostgreSQL
 * takes text as a C string and would cut it at a NUL; SQLite accepts any bytes as text. So both
 * engines refuse such text here.
 */
#include "store/values.h"

#include <errno.h>

#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

/* 0001-01-01 to 9999-12-31, what RFC 3339 text can hold. */
#define TIME_MIN_US INT64_C(-62135596800000000)
#define TIME_MAX_US INT64_C(253402300799999999)

static bool is_text(struct str text)
{
	return memchr(text.at ? text.at : "", '\0', text.len) == NULL && utf8_is_valid(text);
}

static bool is_sound(const struct db_value *value)
{
	switch (value->type) {
	case DB_TEXT:
	case DB_JSON:
		return is_text(value->text);
	case DB_BOOL:
		return value->number == 0 || value->number == 1;
	case DB_TIME:
		return value->number >= TIME_MIN_US && value->number <= TIME_MAX_US;
	case DB_WORDS:
		for (size_t i = 0; i < value->words.count; i++)
			if (!is_text(value->words.items[i]))
				return false;
		return true;
	case DB_NULL:
	case DB_INT:
	case DB_UUID:
	case DB_BLOB:
		return true;
	}
	return false;
}

int db_values_check(const struct db_value *values, size_t count)
{
	if (count > DB_PARAMS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (!is_sound(&values[i]))
			return -EINVAL;
	return 0;
}

static void write_json_words(struct buf *out, const struct db_value *value)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < value->words.count; i++) {
		if (i)
			buf_add_char(out, ',');
		json_add_string(out, value->words.items[i]);
	}
	buf_add_char(out, ']');
}

/* PostgreSQL's array literal; every element is quoted, so that none is mistaken for NULL. */
static void write_array_words(struct buf *out, const struct db_value *value)
{
	buf_add_char(out, '{');
	for (size_t i = 0; i < value->words.count; i++) {
		struct str word = value->words.items[i];

		buf_add_text(out, i ? ",\"" : "\"");
		for (size_t at = 0; at < word.len; at++) {
			if (word.at[at] == '"' || word.at[at] == '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, word.at[at]);
		}
		buf_add_char(out, '"');
	}
	buf_add_char(out, '}');
}

void db_value_write(struct buf *out, const struct db_value *value, bool embedded)
{
	char uuid[UUID_TEXT_SIZE];
	char time[RFC3339_TEXT_SIZE];

	switch (value->type) {
	case DB_TEXT:
	case DB_JSON:
	case DB_BLOB:
		buf_add_str(out, value->text);
		break;
	case DB_INT:
		buf_add_i64(out, value->number);
		break;
	case DB_BOOL:
		buf_add_text(out, value->number ? "t" : "f");
		break;
	case DB_UUID:
		uuid_format(&value->uuid, uuid);
		buf_add_text(out, uuid);
		break;
	case DB_TIME:
		rfc3339_format(value->number, 6, time);
		buf_add_text(out, time);
		break;
	case DB_WORDS:
		if (embedded)
			write_json_words(out, value);
		else
			write_array_words(out, value);
		break;
	case DB_NULL:
		break;
	}
}
