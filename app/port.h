/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whose port it is. Several processes may listen on one port, for workers and for upgrades, and the
 * kernel gives each a part of the connections. So they must all be of one installation, which has
 * one data directory: a lock file there says who of it has the port. docs/notes/app.md
 */
#ifndef APP_PORT_H
#define APP_PORT_H

#include "config/config.h"
#include "core/attributes.h"
#include "core/reason.h"

struct port {
	int lock;     /* held while a process of ours or of our children runs; -1: none */
	int listener; /* a socket that listens already, for the first worker; 0: none */
};

/* Blocking, before workers are forked. 0, or -EADDRINUSE and the like with a sentence in *why. */
int port_claim(struct port *port, const struct config *config, struct reason *why) must_check;

/* The first worker has the listener: it must not stay open here, where nobody accepts. */
void port_drop_listener(struct port *port);

void port_release(struct port *port);

/* Adds "nginx (pid 12)", or as much as /proc tells about who listens on that port; ", or" between
 * several. Nothing when it tells nothing. */
void port_name_owners(uint16_t port, struct buf *out);

#endif
