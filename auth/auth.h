/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who is asking (contract f): API keys from the store, sessions from Redis with the table behind
 * it, CSRF, platform administrators. And, for the embedded store, the command line's side:
 * creating teams, keys and sessions.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/identity.h"
#include "core/reason.h"
#include "http/http.h"
#include "net/net.h"
#include "store/store.h"

struct auth;

struct auth_options {
	uv_loop_t *loop;
	struct store *store;
	struct redis *redis;        /* shared connection for commands; sessions live there */
	bool api_keys_manage;       /* WRENN_EVENTS_API_KEYS=manage */
	enum team_role change_role; /* WRENN_EVENTS_CHANNEL_ROLE */
};

int auth_open(const struct auth_options *options, struct auth **out) must_check;
void auth_close(struct auth *auth); /* after the http server has closed; accepts NULL */

/* The server's hook; owner is the struct auth. Contract f.1 to f.4, c.1 and b.1. */
void auth_authenticate(struct http_request *request, enum http_access access, void *owner);

/* Looks at a credential again without a request, for streams that stay open: rc 0 it still holds for
 * that access, -EACCES it does not, other negatives could not be found out. Requests for
 * the same credential at the same time share one lookup. on_done is never called from within. */
typedef void (*auth_recheck_fn)(int rc, void *owner);
int auth_recheck(struct auth *auth, const struct identity *identity, enum http_access access,
		 auth_recheck_fn on_done, void *owner) must_check;

/* ---- the command line's side (contract f.5), blocking -------------------------------------- */

/* Adds the team when unknown (embedded store only; on the control plane's tables an unknown team is an error). The key is written to key[37]. */
int auth_key_create(const char *store_url, const struct uuid *team, struct str name, char key[37],
		    char key_id[32], struct reason *why) must_check;
/* One line per key on `out`: key id, team id, prefix, name, created, last used; tab-separated. */
int auth_key_list(const char *store_url, struct buf *out, struct reason *why) must_check;
int auth_key_revoke(const char *store_url, struct str key_id, struct reason *why) must_check;
/* One line per team that is not deleted: team id, name, created; tab-separated. */
int auth_team_list(const char *store_url, struct buf *out, struct reason *why) must_check;
int auth_team_create(const char *store_url, struct str name, char team_id[32],
		     struct reason *why) must_check;
int auth_session_create(const char *store_url, const struct uuid *team, struct str name,
			enum team_role role, bool platform_admin, char sid[65], char csrf[65],
			struct reason *why) must_check;

#endif
