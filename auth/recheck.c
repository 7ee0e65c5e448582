/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rechecks go through the same lookups as requests, so the thousand streams of one key cost one
 * read a minute. A recheck does not count as use of the credential: an open stream does not keep an
 * idle session alive.
 */
#include "auth/recheck.h"

#include <errno.h>
#include <stdlib.h>

struct recheck {
	struct lookup_waiter waiter;
	const struct access_rules *rules;
	enum http_access access;
	struct uuid team;
	void (*on_done)(int rc, void *owner);
	void *owner;
};

static int judge_again(const struct recheck *recheck, const struct found *found)
{
	struct identity who;

	if (found->rc && found->rc != -EACCES)
		return found->rc;
	if (access_judge(recheck->rules, found, recheck->access) != ACCESS_GRANTED)
		return -EACCES;
	/* The user of a session may have switched to another team; this stream must end then. */
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

int credential_recheck(struct credential_lookups *lookups, const struct access_rules *rules,
		       const struct identity *identity, enum http_access access,
		       void (*on_done)(int rc, void *owner), void *owner)
{
	struct recheck *recheck = calloc(1, sizeof(*recheck));
	int rc;

	if (!recheck)
		return -ENOMEM;
	*recheck = (struct recheck){ .waiter = { .on_found = on_found },
				     .rules = rules,
				     .access = access,
				     .team = identity->team,
				     .on_done = on_done,
				     .owner = owner };
	rc = lookup_join(lookups, identity->credential, identity->credential_hash,
			 &recheck->waiter);
	if (rc < 0)
		free(recheck);
	return rc;
}
