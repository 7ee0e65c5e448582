/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The limits of a vendor for our address, whatever the destination: requests per second, few
 * refusals, and a pause after a complaint. Teams share all three, so one team's channels use up
 * only that team's part. Pure except for its own memory: time is an argument, in microseconds of
 * the monotonic clock. docs/notes/delivery.md
 */
#ifndef TARGETS_VENDORS_H
#define TARGETS_VENDORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "core/uuid.h"
#include "providers/provider.h"

#define VENDORS_MAX 16 /* more than there are providers */
#define VENDORS_MAX_TEAMS \
	4096 /* a team counts once per vendor; the least recently used is dropped */
#define VENDORS_SLOTS     1024
#define VENDOR_REFUSALS   20 /* a team may cause at once; after that one every: */
#define VENDOR_REFUSAL_US (INT64_C(10) * 1000000)

#define VENDOR_PEERS      15 /* with more, too, each may send every half second */

/* Another worker that sends to the vendor. */
struct vendor_peer {
	struct uuid worker;
	int64_t heard_us;
};

/* A pause that the vendor asked for. */
struct pause_state {
	int64_t until_us;
	unsigned repeats; /* pauses in a row without a success */
};

/* Requests sent in one half second, which `number` names. */
struct window {
	int64_t number;
	unsigned sent;
};

struct vendor {
	const struct provider *provider;
	struct window window;
	struct pause_state pause;
	struct uuid blamed; /* the last team that was paused alone, and until when */
	int64_t blamed_us;
	struct vendor_peer peers[VENDOR_PEERS];
};

struct vendors {
	size_t count;
	struct vendor list[VENDORS_MAX];
	struct list slots[VENDORS_SLOTS];
	struct list used; /* teams, the least recently used first */
	size_t team_count;
};

void vendors_init(struct vendors *vendors);
void vendors_done(struct vendors *vendors);

/* When the team may send its next request to the vendor. At or before now_us: at once. */
int64_t vendors_next(const struct vendors *vendors, const struct provider *provider,
		     const struct uuid *team, int64_t now_us);

/* Until when the vendor asked the team to pause. Before now_us: no pause. */
int64_t vendors_limited(const struct vendors *vendors, const struct provider *provider,
			const struct uuid *team);

/* A request goes out now. */
void vendors_count(struct vendors *vendors, const struct provider *provider,
		   const struct uuid *team, int64_t now_us);

/* Another worker has sent a request. While several workers send, each has an equal part of the
 * vendor's requests per second: workers cannot tell each other of requests quickly enough to count
 * them. */
void vendors_meet(struct vendors *vendors, const struct provider *provider,
		  const struct uuid *worker, int64_t now_us);

/* A status that counts towards VENDOR_REFUSALS. */
bool vendors_refuses(int status);

/* Learns from an answer. A pause holds for the team that got the answer. It holds for all teams
 * when a second team gets the same answer meanwhile, or when the answer is about our address
 * itself. */
struct vendor_answer {
	const struct provider *provider;
	struct uuid team;
	const struct verdict *verdict;
	int status; /* 0: none */
};
void vendors_learn(struct vendors *vendors, const struct vendor_answer *answer, int64_t now_us);

#endif
