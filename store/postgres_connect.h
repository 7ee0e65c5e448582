/* SPDX-License-Identifier: Apache-2.0 */

/* Makes a connection to PostgreSQL, set up for us. */
#ifndef STORE_POSTGRES_CONNECT_H
#define STORE_POSTGRES_CONNECT_H

#include "core/attributes.h"
#include "store/postgres_connection.h"

/* A connection that takes writes, set up for us. -ENOTCONN, -ENOMEM or what the server said. */
int pg_connect(const char *url, bool writable, struct postgres **out,
	       struct reason *why) must_check;
void pg_disconnect(struct postgres *pg);

#endif
