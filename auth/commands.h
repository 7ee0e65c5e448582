/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the command line calls (contract f.5): teams, API keys and sessions. Every function blocks.
 * If the arguments are wrong, *why says so in a sentence.
 */
#ifndef AUTH_COMMANDS_H
#define AUTH_COMMANDS_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/identity.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/uuid.h"

/* Adds an unknown team in the embedded store; on the control plane's tables it is an error. Writes
 * the key to key[37]. */
int auth_key_create(const char *store_url, const struct uuid *team, struct str name, char key[37],
		    char key_id[32], struct reason *why) must_check;
/* One line per key: key id, team id, prefix, name, created, last used; separated by tabs. */
int auth_key_list(const char *store_url, struct buf *out, struct reason *why) must_check;
int auth_key_revoke(const char *store_url, struct str key_id, struct reason *why) must_check;

/* One line per team that is not deleted: team id, name, created; separated by tabs. */
int auth_team_list(const char *store_url, struct buf *out, struct reason *why) must_check;
int auth_team_create(const char *store_url, struct str name, char team_id[32],
		     struct reason *why) must_check;

/* The team as in auth_key_create(). */
int auth_session_create(const char *store_url, const struct uuid *team, struct str name,
			enum team_role role, bool platform_admin, char sid[65], char csrf[65],
			struct reason *why) must_check;

#endif
