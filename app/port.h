/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decides who may listen on the port. Several workers, and during an upgrade two versions, listen
 * on one port, and the kernel spreads the connections over them. So all of them must belong to one
 * installation, which has one data directory. A lock file there records which of its processes
 * have the port. docs/notes/app.md
 *
 * A socket that systemd passes belongs to systemd, which opened it once: no lock is needed.
 */
#ifndef APP_PORT_H
#define APP_PORT_H

#include <stdbool.h>

#include "config/config.h"
#include "core/attributes.h"
#include "core/reason.h"

struct port {
	int lock;      /* held while this process or a child of it runs; -1: none */
	int listener;  /* the listening socket for the first worker; 0: none */
	bool is_given; /* the listener is systemd's, and every worker uses it */
};

/* Blocks; call it before forking workers. Returns 0, or a negative errno such as -EADDRINUSE with
 * a sentence in *why. */
int port_claim(struct port *port, const struct config *config, struct reason *why) must_check;

/* Closes the listener once the first worker has it: this process accepts no connections. A socket
 * of systemd's stays open for the workers that start later. */
void port_drop_listener(struct port *port);

void port_release(struct port *port);

#endif
