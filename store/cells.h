/* SPDX-License-Identifier: Apache-2.0 */

/* A row as the engines fill it, and store/rows.c reads it. */
#ifndef STORE_CELLS_H
#define STORE_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/str.h"
#include "store/rows.h"

enum db_cell_kind {
	CELL_NULL,
	CELL_TEXT,  /* SQLite: any text; PostgreSQL: text and its relatives */
	CELL_INT,   /* number */
	CELL_BOOL,  /* number; PostgreSQL only */
	CELL_UUID,  /* text; these four PostgreSQL only */
	CELL_TIME,  /* text */
	CELL_JSON,  /* text */
	CELL_WORDS, /* text, {"a","b"} */
	CELL_BLOB,  /* bytes (SQLite) */
	CELL_HEX,   /* text, \x... (PostgreSQL) */
	CELL_OTHER
};

struct db_cell {
	enum db_cell_kind kind;
	struct str text;
	int64_t number;
};

struct db_row_memory;

/* Opaque outside this folder. The engines name its cells; rows.c alone reads them. */
struct db_row {
	bool embedded;
	int columns;
	const struct db_cell *cells;
	struct db_row_state *state;
};

struct db_row_state {
	int fault;                    /* 0, or the first misfit */
	struct db_row_memory *memory; /* of rows.c: decoded values, freed after the callback */
};

#define DB_COLUMNS_MAX 64

/* Calls on_row for the cells; 0, its code, or the row's fault. */
int db_row_serve(db_row_fn on_row, void *arg, const struct db_cell *cells, int columns,
		 bool embedded) must_check;

#endif
