/* SPDX-License-Identifier: Apache-2.0 */

/* Looks in the store for channels with something due that nobody has a lease for. */
#ifndef DELIVERY_SCAN_H
#define DELIVERY_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/attributes.h"
#include "core/uuid.h"

struct delivery_engine;
struct due_scan;

int scan_open(struct delivery_engine *engine, struct due_scan **out) must_check;
void scan_close(struct due_scan *scan); /* accepts NULL */

/* Ends the leases of dead processes (orphans.h) and reads the next page, except while a read is
 * running or a page waits to be turned. */
void scan_start(struct due_scan *scan);
/* True when a page has been read but not turned: these channels have work. */
bool scan_has_news(const struct due_scan *scan, const struct uuid **out, size_t *out_count);
/* The first `placed` channels of the page have a queue now. */
void scan_turn_page(struct due_scan *scan, size_t placed);

#endif
