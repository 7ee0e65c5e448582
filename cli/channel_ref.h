/* SPDX-License-Identifier: Apache-2.0 */

/* A channel as a person names it: its id or its name. */
#ifndef CLI_CHANNEL_REF_H
#define CLI_CHANNEL_REF_H

#include "cli/service.h"
#include "core/id.h"

/* Writes the id of the channel. Asks the service if a name was typed. Returns EXIT_GOOD, or prints
 * an error that names the nearest channel. */
int channel_ref_find(struct service *service, const char *typed,
		     char out_id[ID_TEXT_SIZE]) must_check;

#endif
