/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Result rows: the engines fill cells, this file reads them as what the caller asks for. A value of
 * the wrong form is noted in the row's state and read as zero or empty, so that callers need no
 * checks; the statement then fails with -EBADMSG.
 */
#include "store/rows.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"
#include "store/cells.h"

#define WORDS_MAX_BYTES (64 * 1024)

struct db_row_memory {
	struct db_row_memory *next;
	char bytes[];
};

static void set_fault(const struct db_row *row, int fault)
{
	if (!row->state->fault)
		row->state->fault = fault;
}

/* Memory that lives until the callback returns. NULL, with the fault set, when out of memory. */
static char *take_memory(const struct db_row *row, size_t size)
{
	struct db_row_memory *memory = malloc(sizeof(*memory) + size);

	if (!memory) {
		set_fault(row, -ENOMEM);
		return NULL;
	}
	memory->next = row->state->memory;
	row->state->memory = memory;
	return memory->bytes;
}

static const struct db_cell *cell_at(const struct db_row *row, int column)
{
	assert(column >= 0 && column < row->columns);
	return &row->cells[column];
}

bool row_is_null(const struct db_row *row, int column)
{
	return cell_at(row, column)->kind == CELL_NULL;
}

struct str row_text(const struct db_row *row, int column)
{
	const struct db_cell *cell = cell_at(row, column);

	switch (cell->kind) {
	case CELL_NULL:
		return STR("");
	case CELL_TEXT:
	case CELL_UUID:
	case CELL_JSON:
		/* PostgreSQL has checked the value; a SQLite file may hold anything. */
		if (!row->embedded ||
		    (utf8_is_valid(cell->text) && !memchr(cell->text.at, '\0', cell->text.len)))
			return cell->text;
		break;
	default:
		break;
	}
	set_fault(row, -EBADMSG);
	return STR("");
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static struct str decode_hex(const struct db_row *row, struct str text)
{
	if (text.len < 2 || text.len % 2 || text.at[0] != '\\' || text.at[1] != 'x') {
		set_fault(row, -EBADMSG);
		return STR("");
	}

	struct str hex = str_from(text, 2);
	char *bytes = take_memory(row, hex.len / 2);
	if (!bytes)
		return STR("");
	for (size_t i = 0; i < hex.len / 2; i++) {
		int high = hex_digit(hex.at[2 * i]);
		int low = hex_digit(hex.at[2 * i + 1]);

		if (high < 0 || low < 0) {
			set_fault(row, -EBADMSG);
			return STR("");
		}
		bytes[i] = (char)(high << 4 | low);
	}
	return (struct str){ .at = bytes, .len = hex.len / 2 };
}

struct str row_blob(const struct db_row *row, int column)
{
	const struct db_cell *cell = cell_at(row, column);

	if (cell->kind == CELL_NULL)
		return STR("");
	if (cell->kind == CELL_BLOB)
		return cell->text;
	if (cell->kind == CELL_HEX)
		return decode_hex(row, cell->text);
	set_fault(row, -EBADMSG);
	return STR("");
}

int64_t row_int(const struct db_row *row, int column)
{
	const struct db_cell *cell = cell_at(row, column);

	if (cell->kind == CELL_INT)
		return cell->number;
	if (cell->kind != CELL_NULL)
		set_fault(row, -EBADMSG);
	return 0;
}

bool row_bool(const struct db_row *row, int column)
{
	const struct db_cell *cell = cell_at(row, column);

	if (cell->kind == CELL_NULL)
		return false;
	if (cell->kind == (row->embedded ? CELL_INT : CELL_BOOL) &&
	    (cell->number == 0 || cell->number == 1))
		return cell->number == 1;
	set_fault(row, -EBADMSG);
	return false;
}

struct uuid row_uuid(const struct db_row *row, int column)
{
	const struct db_cell *cell = cell_at(row, column);
	struct uuid id = { .bytes = { 0 } };

	if (cell->kind == CELL_NULL)
		return id;
	if (cell->kind != (row->embedded ? CELL_TEXT : CELL_UUID) || uuid_parse(cell->text, &id))
		set_fault(row, -EBADMSG);
	return id;
}

int64_t row_time(const struct db_row *row, int column)
{
	const struct db_cell *cell = cell_at(row, column);
	int64_t us = 0;

	if (cell->kind == CELL_NULL)
		return 0;
	if (cell->kind != (row->embedded ? CELL_TEXT : CELL_TIME) ||
	    rfc3339_parse_sql(cell->text, &us)) {
		set_fault(row, -EBADMSG);
		return 0;
	}
	return us;
}

/* ---- lists of words ----------------------------------------------------------------- */

typedef void (*word_fn)(struct str word, void *arg);

static void read_json_words(const struct db_row *row, struct str text, word_fn on_word, void *arg)
{
	cJSON *array = NULL;
	const cJSON *item;
	int rc = json_parse(text, WORDS_MAX_BYTES, &array, NULL);

	if (rc) {
		set_fault(row, rc == -ENOMEM ? -ENOMEM : -EBADMSG);
		return;
	}
	if (!cJSON_IsArray(array))
		set_fault(row, -EBADMSG);
	else
		cJSON_ArrayForEach(item, array)
		{
			if (cJSON_IsString(item))
				on_word(str_of(item->valuestring), arg);
			else
				set_fault(row, -EBADMSG);
		}
	cJSON_Delete(array);
}

/* One element of an array literal, from *at to the ',' or '}' after it, into `word`. */
static bool read_element(struct str text, size_t *at, char *word, size_t *word_len)
{
	bool quoted = text.at[*at] == '"';
	size_t i = *at + quoted;
	size_t len = 0;

	while (i < text.len) {
		char c = text.at[i];

		if (quoted ? c == '"' : c == ',' || c == '}')
			break;
		if (!quoted && (c == '{' || c == '"'))
			return false; /* an array of arrays */
		if (c == '\\' && ++i == text.len)
			return false;
		word[len++] = text.at[i++];
	}
	if (i == text.len)
		return false;
	if (!quoted && (len == 0 || (len == 4 && strncasecmp(word, "NULL", 4) == 0)))
		return false;
	*at = i + quoted;
	*word_len = len;
	return *at < text.len;
}

static bool read_array_words(const struct db_row *row, struct str text, word_fn on_word, void *arg)
{
	size_t at = 1;

	if (text.len < 2 || text.at[0] != '{')
		return false;
	if (text.at[1] == '}')
		return text.len == 2;

	char *word = take_memory(row, text.len); /* of all elements together */
	while (word) {
		size_t len = 0;

		if (at >= text.len || !read_element(text, &at, word, &len))
			return false;
		on_word((struct str){ .at = word, .len = len }, arg);
		word += len;
		if (text.at[at] == '}')
			return at + 1 == text.len;
		if (text.at[at++] != ',')
			return false;
	}
	return false;
}

void row_words(const struct db_row *row, int column, word_fn on_word, void *arg)
{
	const struct db_cell *cell = cell_at(row, column);

	if (cell->kind == CELL_NULL)
		return;
	if (row->embedded && cell->kind == CELL_TEXT)
		read_json_words(row, cell->text, on_word, arg);
	else if (cell->kind != CELL_WORDS || cell->text.len > WORDS_MAX_BYTES ||
		 !read_array_words(row, cell->text, on_word, arg))
		set_fault(row, -EBADMSG);
}

/* ---- serving -------------------------------------------------------------------------- */

int db_row_serve(db_row_fn on_row, void *arg, const struct db_cell *cells, int columns,
		 bool embedded)
{
	struct db_row_state state = { .fault = 0 };
	const struct db_row row = {
		.embedded = embedded, .columns = columns, .cells = cells, .state = &state
	};
	int rc = on_row(&row, arg);

	while (state.memory) {
		struct db_row_memory *memory = state.memory;

		state.memory = memory->next;
		free(memory);
	}
	return state.fault ? state.fault : rc;
}
