/* SPDX-License-Identifier: Apache-2.0 */

/* One worker: opens every module, connects them, and closes them in order. */
#ifndef APP_WIRING_H
#define APP_WIRING_H

#include "config/config.h"
#include "core/attributes.h"

/* Runs a worker until SIGTERM or SIGINT. It takes over `listener`, a listening socket, or opens its
 * own for 0. Returns an exit code. */
int worker_run(const struct config *config, int listener);

/* Logs that SIGHUP has no effect. It comes from a closing terminal, or from an operator who wants
 * the settings reloaded. */
void wiring_log_hangup(void);

#endif
