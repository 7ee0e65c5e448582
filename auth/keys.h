/* SPDX-License-Identifier: Apache-2.0 */

/* Reads API keys from the store (contract f.1). Private to auth/. */
#ifndef AUTH_KEYS_H
#define AUTH_KEYS_H

#include "auth/credential.h"
#include "core/attributes.h"
#include "store/store.h"

/* Fills *found for the key of found->identity.credential_hash; leaves it alone when there is none.
 * 0, or the store's failure. Runs on a thread of the store. */
int key_read(struct db *db, struct found *found) must_check;

#endif
