/* SPDX-License-Identifier: Apache-2.0 */

/* The limit of open files of this process. */
#ifndef APP_OPEN_FILES_H
#define APP_OPEN_FILES_H

#include "config/config.h"

/* Raises the limit to what a worker needs. If that is not allowed, lowers the numbers of clients
 * and of requests, so that deliveries and the store have enough files. Clients above it get a
 * 503. */
void open_files_fit(struct config *config);

#endif
