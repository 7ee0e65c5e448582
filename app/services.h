/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of a worker that need the store: who may ask, what is sent, and what is answered. */
#ifndef APP_SERVICES_H
#define APP_SERVICES_H

#include "app/worker.h"
#include "core/attributes.h"

/* Opens them from the floor up. After a failure the opened ones are left to the end of the
 * worker. */
int services_open(struct worker *w) must_check;

enum audit_mode services_audit_mode(const struct config *config);

#endif
