/* SPDX-License-Identifier: Apache-2.0 */

/* What a credential may do (contract c.1, f.1, f.2, f.4). Pure. Private to auth/. */
#ifndef AUTH_ACCESS_H
#define AUTH_ACCESS_H

#include <stdbool.h>

#include "auth/credential.h"
#include "core/attributes.h"
#include "core/identity.h"
#include "http/http.h"

struct access_rules {
	bool api_keys_manage;       /* WRENN_EVENTS_API_KEYS=manage */
	enum team_role change_role; /* WRENN_EVENTS_CHANNEL_ROLE */
};

enum judgement {
	ACCESS_GRANTED,
	ACCESS_UNKNOWN,     /* 401: no such credential, or no longer */
	ACCESS_NEEDS_LOGIN, /* 401: needs a session; an API key is not enough */
	ACCESS_NO_TEAM,     /* 403, like all below */
	ACCESS_NO_ADMIN,
	ACCESS_LOW_ROLE
};

/* Only for found->rc 0 or -EACCES. */
enum judgement access_judge(const struct access_rules *rules, const struct found *found,
			    enum http_access access) must_check;

/* No API key opens this route, so a refusal ends the browser's session. */
bool access_is_session_only(const struct access_rules *rules, enum http_access access);

/* The identity that a granted request acts as: on ACCESS_ADMIN the platform team. */
void access_identify(const struct found *found, enum http_access access, struct identity *out);

#endif
