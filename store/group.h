/* SPDX-License-Identifier: Apache-2.0 */

/* Group commit: runs many jobs in as few transactions as their failures allow. */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

#include <stddef.h>

#include "store/job.h"

#define GROUP_MAX 256

/* Runs the jobs in order and leaves the result of each in its rc. */
void group_run(struct db *db, struct store_job *const *jobs, size_t count);

/* One job in a transaction of its own. */
void job_run_alone(struct db *db, struct store_job *job);

/* One job outside any transaction. */
void job_run_reading(struct db *db, struct store_job *job);

#endif
