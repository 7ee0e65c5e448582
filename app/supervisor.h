/* SPDX-License-Identifier: Apache-2.0 */

/* Runs several workers as child processes. */
#ifndef APP_SUPERVISOR_H
#define APP_SUPERVISOR_H

#include "app/port.h"
#include "app/reporter.h"
#include "config/config.h"

#define LOG_LAST_LINES_MS 1000 /* how long a reader of the log has for the last lines */

/* Starts the log. Every process calls this. `worker` is negative in the parent. */
void supervisor_log(const struct config *config, int worker);

/* `file` is that of --config, or NULL. Blocks until SIGTERM or SIGINT and the end of the workers.
 * Returns an exit code. */
int supervise(struct config *config, const char *file, struct port *port,
	      struct reporter *reporter);

#endif
