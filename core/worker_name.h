/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The name of a worker as the owner of leases in the database, which others may have to take over.
 * "<host>-<place>-<pid>-<random>", where the place identifies one boot of one kernel and one PID
 * namespace in it, so that a process number is only looked up where it is valid. If any part cannot
 * be found out, no other worker ever takes this one for gone.
 */
#ifndef CORE_WORKER_NAME_H
#define CORE_WORKER_NAME_H

#include <stdbool.h>

#include "core/str.h"

/* A host of up to 63 bytes, 8 digits, up to 10 digits, 8 digits, hyphens and a NUL. */
#define WORKER_NAME_SIZE 96

/* A different name with every call. */
void worker_name_make(char out[WORKER_NAME_SIZE]);

/* True if `name` names a process of the same place as `ours` that no longer exists. False when
 * either name cannot be parsed, and for a process that exists, even an unrelated one with the same
 * number. */
bool worker_name_is_gone(struct str name, struct str ours);

#endif
