/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rechecks of credentials.
 *
 * Happy path: each round asks auth/ about a sixtieth of the credentials and ends the listeners
 * whose credential is no longer valid. Failure: a check that cannot start waits for the next
 * minute.
 */
#include "sse/recheck.h"

#include <errno.h>

#include "sse/bookmark.h"
#include "sse/subscriber.h"

static void on_rechecked(int rc, void *owner)
{
	struct subscriber *sub = owner;
	struct sse *sse = sub->topic->sse;

	sub->rechecking = false;
	sse->pending--;
	if (rc == -EACCES)
		subscriber_end(sub, CLOSE_CREDENTIALS);
	subscriber_release(sub);
	live_release(sse);
}

static void start_recheck(struct subscriber *sub)
{
	struct sse *sse = sub->topic->sse;
	struct identity identity = {
		.credential = (enum credential)sub->credential,
		.has_team = !sub->is_admin,
		.is_admin = sub->is_admin,
		.team = sub->topic->team,
	};

	hex_encode(sub->credential_hash, SHA256_SIZE, identity.credential_hash);
	if (sub->rechecking ||
	    auth_recheck(sse->options.auth, &identity, sub->is_admin ? ACCESS_ADMIN : ACCESS_STREAM,
			 on_rechecked, sub) < 0)
		return;
	sub->rechecking = true;
	sse->pending++;
}

static void run_round(struct sse *sse)
{
	struct list *round = &sse->rechecks.rounds[sse->rechecks.count++ % RECHECK_ROUNDS];

	LIST_EACH_SAFE (link, round) {
		struct subscriber *sub = list_item(link, struct subscriber, recheck);

		if (sub->ending)
			continue;
		start_recheck(sub);
		bookmark_offer(sub);
	}
}

void recheck_start(struct sse *sse)
{
	struct rechecks *rechecks = &sse->rechecks;

	deadline_init(&rechecks->next);
	deadline_start(&sse->recheck_rounds, &rechecks->next);
	rechecks->due_ms = rechecks->next.due_ms;
}

/* Rounds are due by the clock: a late loop runs those that it missed, so the minute does not become
 * longer. When the loop is late by more than a minute, each round runs only once. */
void on_recheck_due(struct deadline *deadline, void *owner)
{
	const uint64_t others_ms = (uint64_t)(RECHECK_ROUNDS - 1) * RECHECK_ROUND_MS;
	struct sse *sse = owner;
	struct rechecks *rechecks = &sse->rechecks;
	uint64_t now_ms = uv_now(sse->options.loop);

	deadline_start(&sse->recheck_rounds, deadline);
	if (now_ms > rechecks->due_ms + others_ms)
		rechecks->due_ms = now_ms - others_ms;
	for (; rechecks->due_ms <= now_ms; rechecks->due_ms += RECHECK_ROUND_MS)
		run_round(sse);
}
