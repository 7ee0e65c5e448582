/* SPDX-License-Identifier: Apache-2.0 */

/* Names the programs that listen on a port, for the start of the service and for `doctor`. */
#ifndef CLI_PORT_OWNER_H
#define CLI_PORT_OWNER_H

#include <stdint.h>

#include "core/buf.h"

/* Appends the programs that listen on the port as far as /proc shows them, such as
 * "nginx (pid 12)", with ", or" between several. Appends nothing if /proc shows none. */
void port_name_owners(uint16_t port, struct buf *out);

#endif
