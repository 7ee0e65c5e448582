/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes rows of a team's trail to a file before they are dropped: <team>-<from>-<to>.jsonl, a
 * verifiable export that ends with a stored checkpoint (docs/notes/audit-keeping.md).
 */
#ifndef AUDIT_ARCHIVE_H
#define AUDIT_ARCHIVE_H

#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/uuid.h"
#include "store/store.h"

struct archive_options {
	uv_loop_t *loop;
	struct store *store;
	const char *folder; /* must outlive it */
	struct uuid team;
	int64_t tree;
	uint64_t from;    /* the first row */
	uint64_t to;      /* the size of the checkpoint */
	const char *note; /* that checkpoint; must outlive it */
};

/* 0: the whole file is on the disk. Otherwise there is no file, or only an older one. */
typedef void (*archive_done_fn)(int rc, void *owner);

/* Calls back once, later. 0 or a negative errno, and then there is no callback. */
int archive_write(const struct archive_options *options, archive_done_fn on_done,
		  void *owner) must_check;

#endif
