/* SPDX-License-Identifier: Apache-2.0 */

/* One worker: opens every module, connects them, and closes them in order. */
#ifndef APP_WIRING_H
#define APP_WIRING_H

#include <stdbool.h>

#include "app/reporter.h"
#include "app/vitals.h"
#include "config/config.h"
#include "core/attributes.h"

struct worker_options {
	struct config *config; /* SIGHUP changes it */
	const char *file;      /* of --config; NULL: none */
	int listener; /* a listening socket, which the worker takes over; 0: it opens its own */
	bool listener_is_kept; /* by systemd, for the process after this one */
	unsigned index;
	struct vitals *vitals;
	struct reporter *reporter; /* NULL: the supervisor reports to systemd */
};

/* Runs a worker until SIGTERM or SIGINT. Returns an exit code. */
int worker_run(const struct worker_options *options);

#endif
