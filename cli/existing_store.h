/* SPDX-License-Identifier: Apache-2.0 */

/* For commands that work on the store of a service. They never create one. */
#ifndef CLI_EXISTING_STORE_H
#define CLI_EXISTING_STORE_H

#include "config/config.h"

/* Loads the settings and names the store on standard error. EXIT_GOOD if it exists, else the code
 * that the command ends with. config_done() is needed in either case. */
int existing_store(const char *config_file, struct config *out);

#endif
