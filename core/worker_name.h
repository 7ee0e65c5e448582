/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The name under which a worker holds what others may have to take over: leases in the database,
 * pending entries in Redis. "<host>-<place>-<pid>-<random>", where the place stands for one boot of
 * one kernel and one PID namespace in it, so that a process number is only looked up where it was
 * given out. Whatever cannot be known makes a name that nobody ever takes for gone.
 */
#ifndef CORE_WORKER_NAME_H
#define CORE_WORKER_NAME_H

#include <stdbool.h>

#include "core/str.h"

/* A host of up to 63 bytes, 8 digits, up to 10 digits, 8 digits, hyphens and a NUL. */
#define WORKER_NAME_SIZE 96

/* Another one with every call. */
void worker_name_make(char out[WORKER_NAME_SIZE]);

/* `name` is that of a process of the same place as `ours` which is not there any more. False when
 * either cannot be read, and for a process that exists, even a stranger's with the same number. */
bool worker_name_is_gone(struct str name, struct str ours);

#endif
