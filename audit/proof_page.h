/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A verifiable export, page by page: the header, the rows in the order of their leaves with what
 * proves them, covers of leaves that are not shown, and the checkpoint. The lines are those of
 * docs/audit.md; proof/verifier.h reads them.
 */
#ifndef AUDIT_PROOF_PAGE_H
#define AUDIT_PROOF_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/page.h"
#include "audit/proof_rows.h"
#include "core/attributes.h"
#include "core/id.h"
#include "proof/cover.h"
#include "store/store.h"

/* How far the export is. */
struct proof_place {
	bool has_header;
	bool has_tree;  /* `start` is known */
	uint64_t start; /* the first row that may be shown */
	uint64_t at;    /* the next leaf */
	struct cover cover;
};

struct proof_page {
	/* Given by the caller. */
	struct page *page; /* team, filters, the answer */
	uint64_t from;     /* the first row that the request asks for */
	int64_t tree;      /* 0: the team has none */
	uint64_t size;     /* of the checkpoint */
	const char *note;
	const char *origin;
	bool is_archive; /* other files hold the rows before it, so they are not compared here */

	struct proof_place place; /* where the next page starts */
	struct proof_place end;   /* where this page ended */
	uint64_t first;           /* the first row that is kept */
	uint64_t *splits;         /* sizes of checkpoints among the rows of one read */
	size_t split_count;
	char team_text[ID_TEXT_SIZE];
	struct proof_rows rows;
};

/* `page` and `note` must outlive it. 0 or -ENOMEM; proof_page_done() is needed after both. */
int proof_page_init(struct proof_page *proof) must_check;
void proof_page_done(struct proof_page *proof);

/* Appends the lines of a page, and sets page->has_more. Runs on the store's thread, perhaps more
 * than once. -ESTALE: rows that it was about to show were dropped, because they were old. */
int proof_page_read(struct db *db, struct proof_page *proof) must_check;
/* The page was sent: the next one starts after it. */
void proof_page_advance(struct proof_page *proof);

#endif
