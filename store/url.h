/* SPDX-License-Identifier: Apache-2.0 */

/* Which engine a database URL names. */
#ifndef STORE_URL_H
#define STORE_URL_H

#include <stdbool.h>

#include "core/str.h"

bool url_is_sqlite(struct str url);
bool url_is_postgres(struct str url);

/* What stands behind "sqlite:". */
struct str url_sqlite_path(struct str url);

#endif
