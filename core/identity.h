/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who is asking, as found out by auth/ and carried by a request. Plain data, copied by
 * value; contract f.
 */
#ifndef CORE_IDENTITY_H
#define CORE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/crypto.h"
#include "core/uuid.h"

enum credential { CREDENTIAL_NONE, CREDENTIAL_API_KEY, CREDENTIAL_SESSION };
enum team_role { ROLE_NONE, ROLE_MEMBER, ROLE_ADMIN, ROLE_OWNER }; /* ordered by power */

struct identity {
	enum credential credential;
	bool has_team;       /* a session may have lost its team */
	bool is_admin;       /* platform administrator; only checked for ACCESS_ADMIN routes */
	struct uuid team;    /* the platform team on ACCESS_ADMIN routes */
	struct uuid actor;   /* the user or the key */
	enum team_role role; /* of a session; an API key counts as ROLE_ADMIN */
	char name[128];      /* the user's display name or the key's label, UTF-8 */
	char credential_hash[SHA256_HEX_SIZE]; /* SHA-256 of key or cookie, for a later recheck */
	char csrf[72];                         /* the session's CSRF token, empty otherwise */
	int64_t expires_us;                    /* absolute end of a session; 0: never */
};

#endif
