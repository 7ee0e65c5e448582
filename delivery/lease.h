/* SPDX-License-Identifier: Apache-2.0 */

/* The leases of all queues: one store job at a time claims, renews and gives back what is due. */
#ifndef DELIVERY_LEASE_H
#define DELIVERY_LEASE_H

#include "core/attributes.h"

struct delivery_engine;
struct leases;

int leases_open(struct delivery_engine *engine, struct leases **out) must_check;
void leases_close(struct leases *leases); /* accepts NULL */

/* CLAIMING: claims; the queue is settled, or freed when another worker has the lease. RELEASING:
 * gives it back; then RESTING, CLAIMING again, or freed. */
void leases_start(struct leases *leases);

#endif
