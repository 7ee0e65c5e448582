/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a credential may do (contract c.1, f.1, f.2, f.4). Pure: the hook asks before a handler
 * runs, the recheck asks the same again while a stream is open.
 */
#include <assert.h>
#include <errno.h>

#include "auth/lookup.h"

bool access_is_session_only(const struct auth_options *options, enum http_access access)
{
	if (access == ACCESS_ADMIN)
		return true;
	return access != ACCESS_STREAM && access != ACCESS_WAIT && !options->api_keys_manage;
}

enum judgement access_judge(const struct auth_options *options, const struct found *found,
			    enum http_access access)
{
	const struct identity *who = &found->identity;

	assert(found->rc == 0 || found->rc == -EACCES);
	if (found->rc)
		return ACCESS_UNKNOWN;
	/* A valid key is a known caller who is no administrator, so 403 rather than 401. */
	if (access == ACCESS_ADMIN)
		return found->is_admin ? ACCESS_GRANTED : ACCESS_NO_ADMIN;
	if (who->credential == CREDENTIAL_API_KEY && access_is_session_only(options, access))
		return ACCESS_NEEDS_LOGIN;
	if (!who->has_team)
		return ACCESS_NO_TEAM;
	if (access == ACCESS_CHANGE && who->role < options->change_role)
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
