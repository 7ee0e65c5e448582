/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The part of libsystemd that we use. Built without it (no WITH_SYSTEMD), and outside of systemd,
 * nothing is sent, there is no watchdog and there are no sockets.
 */
#ifndef APP_SYSTEMD_H
#define APP_SYSTEMD_H

#include <stdint.h>

/* Sends lines such as "READY=1" to the service manager. */
void systemd_notify(const char *lines);

/* How long this process may be silent before systemd restarts it; 0: for ever. */
int64_t systemd_watchdog_ms(void);

/* The listening socket that systemd passed to this process, or 0 if it passed none. Returns -EINVAL
 * for several sockets, or for one that does not listen on TCP. */
int systemd_listener(void);

#endif
