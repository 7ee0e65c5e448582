/* SPDX-License-Identifier: Apache-2.0 */

/* Notes that a credential was used. Private to auth/. */
#ifndef AUTH_USES_H
#define AUTH_USES_H

#include "auth/credential.h"
#include "net/net.h"
#include "store/store.h"

/* After a request was let in: writes the time to the row, at most once a minute, and prolongs the
 * cached session in Redis. No caller waits for either, and neither can fail the request. */
void use_record(struct store *store, struct redis *redis, const struct found *found);

#endif
