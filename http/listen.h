/* SPDX-License-Identifier: Apache-2.0 */

/* Listening sockets that workers share. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/reason.h"

/* Opens a listening socket; shared ones may join it on its port later. An exclusive socket fails
 * with -EADDRINUSE when anybody has the port, a shared one only when the other does not share.
 * Returns the socket (never 0 while standard input is open), or a negative errno with *why. */
int http_listen(const char *host, uint16_t port, bool exclusive, struct reason *why) must_check;

/* Makes a listening socket that another program opened fit for a server. */
int http_adopt(int listener, struct reason *why) must_check;

#endif
