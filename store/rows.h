/* SPDX-License-Identifier: Apache-2.0 */

/* The rows that a statement returns. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/str.h"
#include "core/uuid.h"

/* One result row, valid inside the row callback only. Columns count from 0. A value of the wrong
 * form (another program's table, hostile content) sets the row's fault, and the statement fails
 * with -EBADMSG. */
struct db_row;

bool row_is_null(const struct db_row *row, int column);
struct str row_text(const struct db_row *row, int column); /* empty when NULL; json too */
struct str row_blob(const struct db_row *row, int column);
int64_t row_int(const struct db_row *row, int column); /* 0 when NULL */
bool row_bool(const struct db_row *row, int column);
struct uuid row_uuid(const struct db_row *row, int column); /* zero when NULL */
int64_t row_time(const struct db_row *row, int column);     /* 0 when NULL */
/* Calls on_word for each element, in order; a word is valid inside on_word only. */
void row_words(const struct db_row *row, int column, void (*on_word)(struct str word, void *arg),
	       void *arg);

/* Not 0 makes the statement fail with that code. */
typedef int (*db_row_fn)(const struct db_row *row, void *arg);

#endif
