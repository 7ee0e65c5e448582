/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of a worker that need the store: authentication, deliveries, and the endpoints. */
#ifndef APP_SERVICES_H
#define APP_SERVICES_H

#include "app/worker.h"
#include "core/attributes.h"

/* Opens them bottom up. After a failure the end of the worker closes those that are open. */
int services_open(struct worker *w) must_check;
/* The messages between workers about deliveries and paces. */
int services_open_wake(struct worker *w) must_check;

enum audit_mode services_audit_mode(const struct config *config);
/* NULL: no checkpoints are signed. */
const struct audit_signer *services_signer(const struct worker *w);

#endif
