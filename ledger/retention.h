/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which rows of the audit trail are too old, and dropping them, step by step
 * (docs/notes/audit-keeping.md). Each step is a job under the fence.
 */
#ifndef LEDGER_RETENTION_H
#define LEDGER_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/audit.h"
#include "core/attributes.h"
#include "core/uuid.h"
#include "store/store.h"

#define RETENTION_DAY_US (INT64_C(86400) * 1000000)
#define RETENTION_PIECE  512   /* rows that one step drops */
#define RETENTION_MANY   65536 /* rows that are dropped before they are a day too old */

enum retention_next {
	RETENTION_END,     /* no tree is left */
	RETENTION_TREE,    /* nothing to do here: the next tree */
	RETENTION_AGAIN,   /* this tree has another step */
	RETENTION_ARCHIVE, /* the rows from drop_to to archive_to have to be in a file first */
};

struct retention {
	/* Given by the caller. */
	unsigned days;
	bool is_archived; /* a folder is named */
	int64_t after;    /* the tree before */

	/* Results. */
	enum retention_next next;
	int64_t tree;
	struct uuid team;
	int64_t first;
	int64_t drop_to;
	int64_t archive_to;
	int64_t size;
	int64_t dropped;            /* rows, by this step */
	char note[AUDIT_NOTE_SIZE]; /* the checkpoint of archive_to */
};

/* One step of the first tree after `after`. Flushes. */
int retention_step(struct retention *retention, struct db *db) must_check;
/* The rows before archive_to are in files. Flushes. */
int retention_archived(const struct retention *retention, struct db *db) must_check;

#endif
