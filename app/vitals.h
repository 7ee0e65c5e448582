/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The last report of each worker about itself, in memory that all workers of a service share. The
 * worker's loop writes it; the process that systemd watches and the administrators' page read it.
 */
#ifndef APP_VITALS_H
#define APP_VITALS_H

#include <stdbool.h>
#include <stdint.h>

#include "app/health.h"
#include "core/attributes.h"
#include "core/worker_name.h"

struct vitals; /* a row per worker */

/* Before forking. Returns NULL when out of memory. */
struct vitals *vitals_open(unsigned workers) must_check;
void vitals_close(struct vitals *vitals); /* accepts NULL */

/* Forgets what the worker said. Call it before starting the worker again. */
void vitals_forget(struct vitals *vitals, unsigned worker);

/* Once, before the worker first reports its condition. */
void vitals_set_name(struct vitals *vitals, unsigned worker, const char *text);

void vitals_tell(struct vitals *vitals, unsigned worker, enum condition condition, int64_t now_ms);

/* The worst condition of all workers. CONDITION_STARTING if a worker has said nothing yet. */
enum condition vitals_worst(const struct vitals *vitals);

/* When the worker last said something; 0: never. */
int64_t vitals_heard_at_ms(const struct vitals *vitals, unsigned worker);

unsigned vitals_count(const struct vitals *vitals);

/* False while the worker starts. */
bool vitals_get_name(const struct vitals *vitals, unsigned worker, char out[WORKER_NAME_SIZE]);

#endif
