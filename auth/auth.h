/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Front door of auth/: who sends a request (contract f). API keys come from the store, sessions
 * from Redis or, when Redis does not know them, from the tables. The command line creates teams,
 * keys and sessions (auth/commands.h).
 *
 * Promises: a request reaches its handler only with an identity that may use the route. Requests
 * with the same credential at the same time cost one read. Redis being down refuses nobody.
 *
 * Where it is decided:
 *
 *   auth.c             which credential of a request counts, whether it needs a CSRF token, how it
 *                      is refused
 *   credential.c       which text can be a key or a cookie at all
 *   lookup.c           who shares a look-up; store or Redis, and for how long Redis is waited for
 *                      (2 s)
 *   keys.c             is a key valid? (not after its team was deleted or its creator left)
 *   sessions.c         is a session valid? (6 h idle, membership); what Redis may not decide
 *   recent.c           when a crowd of streams may get an answer that is two seconds old
 *   access.c           what a credential may do: role, administrator, keys where only sessions may
 *   recheck.c          may an open stream stay? (not after a switch of the team)
 *   uses.c             when a use is noted (once a minute), and prolongs a session
 *
 * The command line
 *   command.c          may a team be made on the fly; which names are valid
 *   commands.c         what of a key is stored and shown
 *   session_command.c  how long a session lives (24 h)
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>

#include "auth/commands.h"
#include "core/attributes.h"
#include "core/identity.h"
#include "http/http.h"
#include "net/net.h"
#include "store/store.h"

struct auth;

struct auth_options {
	struct store *store;
	struct redis *redis;        /* shared connection for commands; sessions live there */
	bool api_keys_manage;       /* WRENN_EVENTS_API_KEYS=manage */
	enum team_role change_role; /* WRENN_EVENTS_CHANNEL_ROLE */
};

int auth_open(const struct auth_options *options, struct auth **out) must_check;
void auth_close(struct auth *auth); /* after the http server has closed; accepts NULL */

/* The server's hook; `owner` is the struct auth. Contract f.1 to f.4, c.1 and b.1. */
void auth_authenticate(struct http_request *request, enum http_access access, void *owner);

/* Checks a credential again without a request, for streams that stay open. rc is 0 if it still has
 * that access, -EACCES if not, or another negative code if the lookup failed. Checks of the same
 * credential at the same time share one lookup. on_done is never called before this returns. */
typedef void (*auth_recheck_fn)(int rc, void *owner);
int auth_recheck(struct auth *auth, const struct identity *identity, enum http_access access,
		 auth_recheck_fn on_done, void *owner) must_check;

#endif
