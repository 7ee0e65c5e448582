/* SPDX-License-Identifier: Apache-2.0 */

/* Looks at the credential of an open stream again (contract b.5, W3). Private to auth/. */
#ifndef AUTH_RECHECK_H
#define AUTH_RECHECK_H

#include "auth/access.h"
#include "auth/lookup.h"
#include "core/attributes.h"

/* `rules` must outlive the answer. As auth_recheck(). */
int credential_recheck(struct credential_lookups *lookups, const struct access_rules *rules,
		       const struct identity *identity, enum http_access access,
		       void (*on_done)(int rc, void *owner), void *owner) must_check;

#endif
