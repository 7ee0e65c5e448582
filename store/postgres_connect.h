/* SPDX-License-Identifier: Apache-2.0 */

/* Makes a connection to PostgreSQL, set up for us. */
#ifndef STORE_POSTGRES_CONNECT_H
#define STORE_POSTGRES_CONNECT_H

#include "core/attributes.h"
#include "store/postgres_connection.h"

/* A writable connection with our settings. -ENOTCONN, -ENOMEM or the code of the server's error. */
int pg_connect(const char *url, bool writable, struct postgres **out,
	       struct reason *why) must_check;
void pg_disconnect(struct postgres *pg);

#endif
