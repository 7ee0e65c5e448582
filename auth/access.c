/* SPDX-License-Identifier: Apache-2.0 */

/* The hook checks this before a handler runs, and the recheck checks it while a stream is open. */
#include "auth/access.h"

#include <assert.h>
#include <errno.h>

bool access_is_session_only(const struct access_rules *rules, enum http_access access)
{
	if (access == ACCESS_ADMIN)
		return true;
	return access != ACCESS_STREAM && access != ACCESS_WAIT && !rules->api_keys_manage;
}

enum judgement access_judge(const struct access_rules *rules, const struct found *found,
			    enum http_access access)
{
	const struct identity *who = &found->identity;

	assert(found->rc == 0 || found->rc == -EACCES);
	if (found->rc)
		return ACCESS_UNKNOWN;
	/* The caller of a valid key is known but no administrator: 403, not 401. */
	if (access == ACCESS_ADMIN)
		return found->is_admin ? ACCESS_GRANTED : ACCESS_NO_ADMIN;
	if (who->credential == CREDENTIAL_API_KEY && access_is_session_only(rules, access))
		return ACCESS_NEEDS_LOGIN;
	if (!who->has_team)
		return ACCESS_NO_TEAM;
	if (access == ACCESS_CHANGE && who->role < rules->change_role)
		return ACCESS_LOW_ROLE;
	return ACCESS_GRANTED;
}

void access_identify(const struct found *found, enum http_access access, struct identity *out)
{
	*out = found->identity;
	if (access != ACCESS_ADMIN)
		return;
	out->is_admin = true;
	out->has_team = true;
	out->team = (struct uuid){ { 0 } };
}
