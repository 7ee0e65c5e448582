/* SPDX-License-Identifier: Apache-2.0 */

/* Which engine a database URL names, and the part of it that libpq gets. */
#ifndef STORE_URL_H
#define STORE_URL_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/reason.h"
#include "core/str.h"

#define URL_MAX 4096

bool url_is_sqlite(struct str url);
bool url_is_postgres(struct str url);

/* The text after "sqlite:". */
struct str url_sqlite_path(struct str url);

/* Appends a PostgreSQL URL without the parameters that only the control plane's driver supports
 * (pgx v5: sizes of its pool and its statement caches). Their names are appended to `ignored` (may
 * be NULL), with commas between them. A failure sticks in the buffers. */
void url_write_for_libpq(struct buf *out, struct str url, struct buf *ignored);

/* Checks only the form of the URL. -EINVAL with the fault, never the URL, in *why. */
int store_url_check(struct str url, struct reason *why) must_check;

/* Describes the store to a person: the file's absolute path, or the database and its host. */
void store_name(const char *url, struct buf *out);

#endif
