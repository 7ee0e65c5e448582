/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds the identity of a credential, without a request, for the hook and for the recheck of open
 * streams. Callers that ask for the same credential at the same time share one lookup. Private to
 * auth/.
 */
#ifndef AUTH_LOOKUP_H
#define AUTH_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/credential.h"
#include "core/attributes.h"
#include "core/list.h"
#include "core/metrics.h"
#include "net/net.h"
#include "store/store.h"

/* Embedded by a caller that waits. on_found is called once, on a later turn, and may free it. */
struct lookup_waiter {
	struct list link;
	bool is_use; /* the credential is being used now; a recheck does not count as use */
	void (*on_found)(struct lookup_waiter *waiter, const struct found *found);
};

struct credential_lookups {
	/* The owner sets these once. */
	struct store *store;
	struct redis *redis;
	/* A lookup is over; called before its waiters, and not after lookups_close(). */
	void (*on_result)(const struct found *found, bool is_use, void *owner);
	/* No lookup is left after lookups_close(). */
	void (*on_idle)(void *owner);
	void *owner;
	/* Private. */
	struct list buckets[CREDENTIAL_BUCKETS];
	size_t in_flight;
	bool is_closing;
	struct metric *started;
};

void lookups_init(struct credential_lookups *lookups);

/* Redis and the store still answer what is in flight. on_idle is called after the last answer, or
 * at once. */
void lookups_close(struct credential_lookups *lookups);

/* Joins the lookup of that credential, or starts one. 0, or negative and on_found is not called. */
int lookup_join(struct credential_lookups *lookups, enum credential kind, const char *hash,
		struct lookup_waiter *waiter) must_check;

#endif
