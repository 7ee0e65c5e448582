/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rows of cells for a terminal, each column as wide as its widest cell. Widths are display columns.
 * Untrusted text is escaped here, so no cell can move the cursor or reorder the line.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "core/buf.h"
#include "core/str.h"

#define TABLE_MAX_COLUMNS 10

enum tone { TONE_PLAIN, TONE_HEAD, TONE_GOOD, TONE_WARNING, TONE_BAD, TONE_TONES };

struct table {
	struct buf text;    /* all cells, escaped */
	struct buf cells;   /* of struct table_cell, row by row */
	struct buf row_end; /* of size_t: the number of cells up to the end of each row */
	size_t widths[TABLE_MAX_COLUMNS];
	size_t column;   /* of the next cell */
	bool keeps_tail; /* the last column is not cut at the terminal's width */
};

void table_init(struct table *table);
void table_done(struct table *table);

/* Adds a cell to the row. A row has at most TABLE_MAX_COLUMNS cells; more are left out. */
void table_add(struct table *table, enum tone tone, struct str text);

void table_end_row(struct table *table);

/* Adds a row of titles; the list ends with NULL. */
void table_add_head(struct table *table, const char *const *titles);

/* Prints it on standard output, coloured if that is allowed. At the edge of the terminal the last
 * column is cut with "…". Returns false when out of memory. */
bool table_print(const struct table *table);

/* The same, appended to `out`. `columns` is the width of the terminal; 0: no limit. */
void table_write(const struct table *table, size_t columns, bool coloured, struct buf *out);

#endif
