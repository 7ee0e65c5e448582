/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decides who may listen on the port. Several workers, and during an upgrade two versions, listen
 * on one port, and the kernel spreads the connections over them. So all of them must belong to one
 * installation, which has one data directory. A lock file there records which of its processes
 * have the port. docs/notes/app.md
 */
#ifndef APP_PORT_H
#define APP_PORT_H

#include "config/config.h"
#include "core/attributes.h"
#include "core/reason.h"

struct port {
	int lock;     /* held while this process or a child of it runs; -1: none */
	int listener; /* the listening socket for the first worker; 0: none */
};

/* Blocks; call it before forking workers. Returns 0, or a negative errno such as -EADDRINUSE with
 * a sentence in *why. */
int port_claim(struct port *port, const struct config *config, struct reason *why) must_check;

/* Closes the listener once the first worker has it: this process accepts no connections. */
void port_drop_listener(struct port *port);

void port_release(struct port *port);

/* Appends the programs that listen on the port as far as /proc shows them, such as
 * "nginx (pid 12)", with ", or" between several. Appends nothing if /proc shows none. */
void port_name_owners(uint16_t port, struct buf *out);

#endif
