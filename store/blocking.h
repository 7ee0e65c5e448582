/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Uses a store without the threads: before a process forks workers, at its end, and on the command
 * line. Every function blocks.
 */
#ifndef STORE_BLOCKING_H
#define STORE_BLOCKING_H

#include "core/attributes.h"
#include "core/reason.h"
#include "store/job.h"

/* 0 when the store exists, with any version of our schema; creates nothing. -ENOENT when it is not,
 * with no reason; -ENOTCONN and others with the fault in *why. */
int store_look(const char *url, struct reason *why) must_check;

/* Connects as `serve` would and changes nothing. On success *out_is_pooled says whether a pooler in
 * session mode is in front of the server. -ENOENT without a store, -EPERM for a missing right (the
 * sentence has its GRANT), -ESTALE for an older schema, -ENOTSUP for a newer one or for a pooler in
 * transaction mode, other codes; all with the sentence in *why. */
int store_inspect(const char *url, bool *out_is_pooled, struct reason *why) must_check;

/* Creates the file of an embedded store if it is missing, and logs that; for starts that may begin
 * a new store. No other function creates one: a file that is missing later means that the store is
 * away. */
int store_make(const char *url, struct reason *why) must_check;

/* Brings the schema up to date, before workers are forked. Several processes may do it at the
 * same time. -ENOTCONN when the database cannot be reached (serve goes on and the writer thread
 * does it on its first contact), -ENOENT when there is no SQLite file, other codes with the
 * fault in *why. */
int store_migrate(const char *url, struct reason *why) must_check;

/* For the end of a process: when two SQLite connections close at the same moment, each leaves the
 * log (`-wal`) to the other. Moves the rest of the log into the file. Does nothing on PostgreSQL.
 * -EBUSY while another program reads, and other codes, with the fault in *why. */
int store_checkpoint(const char *url, struct reason *why) must_check;

/* For the command line and tests: one connection, the schema brought up to date, the job's run() in
 * one transaction; on_done is not used. *why is filled when the database failed, but not when run()
 * itself returned a failure. */
int store_run_blocking(const char *url, struct store_job *job, struct reason *why) must_check;

/* The same for a job that only reads, outside a transaction and without touching the schema: -ENXIO
 * when the schema is not that of this program, -ENOENT when there is no SQLite file. */
int store_read_blocking(const char *url, struct store_job *job, struct reason *why) must_check;

#endif
