/* SPDX-License-Identifier: Apache-2.0 */

/* Opens a connection to the store that a URL names. */
#ifndef STORE_CONNECT_H
#define STORE_CONNECT_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "store/schema.h"

struct db;

/* Opens the engine that the URL names; creates nothing. */
int db_open(const char *url, bool writable, struct db **out, struct reason *why) must_check;

/* Opens a writable connection and brings the schema up to date. */
int db_open_current(const char *url, struct db **out, struct reason *why) must_check;

/* Opens a connection to the store that *identity names, and refuses any other. An empty identity
 * accepts any store and is filled in; a writable connection then brings the schema up to date. */
int db_open_same(const char *url, bool writable, char identity[DB_IDENTITY_SIZE], struct db **out,
		 struct reason *why) must_check;

#endif
