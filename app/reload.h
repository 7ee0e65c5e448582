/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the settings again after SIGHUP. Settings that can change without a restart change; the log
 * names them, and those that cannot. If any has a fault, nothing changes. The environment of a
 * process does not change, so only the file of --config can have new values.
 */
#ifndef APP_RELOAD_H
#define APP_RELOAD_H

#include "config/config.h"

struct reload {
	struct config *config;
	const char *file; /* of --config; NULL: none */
	int worker;       /* for the log; negative: the supervisor */
	/* Hands the new values to the modules; NULL: there are none. The texts of the old values
	 * live until it returns. */
	void (*apply)(void *owner);
	void *owner;
};

void reload_settings(const struct reload *reload);

/* The log's form and level, in every process. */
void reload_log(const struct config *config, int worker);

#endif
