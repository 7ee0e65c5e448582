/* SPDX-License-Identifier: Apache-2.0 */

/* One worker: every module opened, connected to the others, and closed again in order. */
#ifndef APP_WIRING_H
#define APP_WIRING_H

#include "config/config.h"
#include "core/attributes.h"

/* Runs a worker until SIGTERM or SIGINT. `listener` is a listening socket it takes over, or 0.
 * Returns a process exit code. */
int worker_run(const struct config *config, int listener);

/* SIGHUP comes from a terminal that closes, or from somebody who wants other settings: it ends
 * nothing, and this says that it changes nothing. */
void wiring_log_hangup(void);

#endif
