/* SPDX-License-Identifier: Apache-2.0 */

/* Reads browser sessions from Redis and from the tables (contract f.2). Private to auth/. */
#ifndef AUTH_SESSIONS_H
#define AUTH_SESSIONS_H

#include "auth/credential.h"
#include "core/attributes.h"
#include "core/identity.h"
#include "core/str.h"
#include "core/uuid.h"
#include "store/store.h"

/* The parts of a cached session that we need. */
struct session {
	struct uuid user;
	struct uuid team;
	bool has_team;
	enum team_role role;
	int64_t expires_us;
	char name[sizeof(((struct identity *)NULL)->name)];
	char csrf[sizeof(((struct identity *)NULL)->csrf)];
};

/* Reads what Redis holds for the session of that hash. 0, -EINVAL when it is not the object of
 * contract f.2, or -ENOMEM. */
int session_parse(struct str json, struct str hash, struct session *out) must_check;

/* Both fill *found for the session of found->identity.credential_hash: with what the cache must not
 * decide, or with everything. 0, or the store's failure. They run on a thread of the store. */
int session_read_cached(struct db *db, const struct session *cached,
			struct found *found) must_check;
int session_read_table(struct db *db, struct found *found) must_check;

#endif
