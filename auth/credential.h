/* SPDX-License-Identifier: Apache-2.0 */

/* The form of a credential, and the result of its lookup. Pure. Private to auth/. */
#ifndef AUTH_CREDENTIAL_H
#define AUTH_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/identity.h"
#include "core/str.h"

#define SESSION_IDLE_US    INT64_C(21600000000) /* 6 h (contract f.2) */
#define CREDENTIAL_BUCKETS 1024                 /* of hash tables; a power of two */

struct found {
	int rc;         /* 0; -EACCES no valid credential; else why the lookup failed */
	bool is_admin;  /* an active platform administrator; always read from the table */
	bool is_cached; /* Redis held the session */
	bool has_row;   /* last_use_us comes from a row, which can be updated */
	int64_t last_use_us;
	int64_t asked_us;         /* when the lookup began */
	int64_t asked_ms;         /* the same on the monotonic clock */
	struct identity identity; /* access_identify() sets its is_admin and the platform team */
};

/* "wrn_" and 32 lower-case hex digits. */
bool key_is_well_formed(struct str key);

/* 64 lower-case hex digits. */
bool cookie_is_well_formed(struct str cookie);

/* The bucket of a credential by its hash, for the tables of lookups and of recent answers. */
unsigned credential_bucket(const char *hash);

#endif
