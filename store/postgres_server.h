/* SPDX-License-Identifier: Apache-2.0 */

/* Finds out what a connection leads to. */
#ifndef STORE_POSTGRES_SERVER_H
#define STORE_POSTGRES_SERVER_H

#include "core/attributes.h"
#include "store/postgres_connection.h"

/* Fills pg->db.server. */
int pg_read_server(struct postgres *pg) must_check;
/* -ENOTSUP with *why when a pooler gives each transaction another session. */
int pg_check_pooler(struct postgres *pg, const char *url, struct reason *why) must_check;

#endif
