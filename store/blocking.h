/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a process does with a store without its threads: before it forks workers, at its end, and on
 * the command line. Every function blocks.
 */
#ifndef STORE_BLOCKING_H
#define STORE_BLOCKING_H

#include "core/attributes.h"
#include "core/reason.h"
#include "store/job.h"

/* 0 when the store is there, with a schema of ours, whichever; makes nothing. -ENOENT when
 * it is not, with no reason; -ENOTCONN and others with the fault in *why. */
int store_look(const char *url, struct reason *why) must_check;

/* Connects as `serve` would and changes nothing. On success *out_is_pooled says whether a pooler in
 * session mode stands before the server. -ENOENT without a store, -EPERM for a missing right (the
 * sentence has its GRANT), -ESTALE for an older schema, -ENOTSUP for a newer one or for a pooler in
 * transaction mode, other codes; all with the sentence in *why. */
int store_inspect(const char *url, bool *out_is_pooled, struct reason *why) must_check;

/* Makes the file of an embedded store when there is none, and says so in the log; for starts that
 * may begin a new one. Nothing else makes one: a file that is missing later is a store that is
 * away. */
int store_make(const char *url, struct reason *why) must_check;

/* Brings the schema up to date, before workers are forked. Several processes may do it at the
 * same time. -ENOTCONN when the database cannot be reached (serve goes on and the writer thread
 * does it on its first contact), -ENOENT when there is no SQLite file, other codes with the
 * fault in *why. */
int store_migrate(const char *url, struct reason *why) must_check;

/* For the end of a process: two SQLite connections that close at the same moment each
 * leave the log (`-wal`) to the other. Moves what it still holds into the file. Does nothing on
 * PostgreSQL. -EBUSY while another program reads, and other codes, with the fault in *why. */
int store_checkpoint(const char *url, struct reason *why) must_check;

/* For the command line and tests: one connection, the schema brought up to date, the
 * job's run() in one transaction; on_done is not used. *why is filled when the database failed and
 * left alone when run() itself said no. */
int store_run_blocking(const char *url, struct store_job *job, struct reason *why) must_check;

/* The same for a job that only reads, outside a transaction and without touching the schema: -ENXIO
 * when that is not the one this program knows, -ENOENT when there is no SQLite file. */
int store_read_blocking(const char *url, struct store_job *job, struct reason *why) must_check;

#endif
