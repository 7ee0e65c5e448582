/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Looks at the credential of an open stream again (contract b.5, W3), through the same lookups as
 * requests, so that the thousand streams of one key cost one read a minute. Looking again is
 * no use of the credential: an open stream does not keep an idle session alive.
 */
#include <errno.h>
#include <stdlib.h>

#include "auth/lookup.h"

struct recheck {
	struct lookup_waiter waiter;
	struct auth *auth;
	enum http_access access;
	struct uuid team;
	auth_recheck_fn on_done;
	void *owner;
};

static int judge_again(const struct recheck *recheck, const struct found *found)
{
	struct identity who;

	if (found->rc && found->rc != -EACCES)
		return found->rc;
	if (access_judge(&recheck->auth->options, found, recheck->access) != ACCESS_GRANTED)
		return -EACCES;
	/* A session that moved on to another team must not go on hearing this one. */
	access_identify(found, recheck->access, &who);
	return uuid_eq(&who.team, &recheck->team) ? 0 : -EACCES;
}

static void on_found(struct lookup_waiter *waiter, const struct found *found)
{
	struct recheck *recheck = container_of(waiter, struct recheck, waiter);
	int rc = judge_again(recheck, found);

	recheck->on_done(rc, recheck->owner);
	free(recheck);
}

int auth_recheck(struct auth *auth, const struct identity *identity, enum http_access access,
		 auth_recheck_fn on_done, void *owner)
{
	struct recheck *recheck = calloc(1, sizeof(*recheck));
	int rc;

	if (!recheck)
		return -ENOMEM;
	recheck->waiter.on_found = on_found;
	recheck->auth = auth;
	recheck->access = access;
	recheck->team = identity->team;
	recheck->on_done = on_done;
	recheck->owner = owner;

	rc = lookup_join(auth, identity->credential, identity->credential_hash, &recheck->waiter);
	if (rc < 0)
		free(recheck);
	return rc;
}
