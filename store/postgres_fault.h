/* SPDX-License-Identifier: Apache-2.0 */

/* Turns failures of libpq into the codes of store/db.h. */
#ifndef STORE_POSTGRES_FAULT_H
#define STORE_POSTGRES_FAULT_H

#include "core/attributes.h"
#include "store/postgres_connection.h"

/* The code for a failed result; logs what is our bug or the server's damage. */
int pg_fault_code(struct postgres *pg, const PGresult *result);
/* The connection is gone. */
int pg_lost(struct postgres *pg, size_t owner);

#endif
