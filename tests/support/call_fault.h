/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Calls into store/ and net/ that fail on request. The linker redirects store_write(),
 * store_read(), db_run(), db_run_now() and redis_commands_send(), which writes every command, to
 * this file (--wrap in the Makefile).
 */
#ifndef TESTS_SUPPORT_CALL_FAULT_H
#define TESTS_SUPPORT_CALL_FAULT_H

#include <stdbool.h>

enum faulty_call {
	FAULT_NONE,
	FAULT_STORE,     /* -ENOBUFS */
	FAULT_STATEMENT, /* of a job; -EBUSY */
	FAULT_REDIS      /* -ENOMEM */
};

/* The next `count` calls of this kind succeed and the one after them fails, once. */
void call_fail_after(enum faulty_call call, unsigned count);

/* From now on store_write() keeps its jobs, at most 64, until call_release_writes() passes them on
 * in their order. */
void call_hold_writes(void);
void call_release_writes(void);

/* All succeed again. Returns true if the requested failure has happened. */
bool call_recover(void);

#endif
