/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a vendor allows our address as a whole, whatever the destination: so many requests a
 * second, few refusals, and nothing for a while after it was angry. All three are shared out by
 * team, so that one team's channels use up that team's part. Pure but for its own memory: time is
 * an argument, microseconds of the monotonic clock. docs/notes/delivery.md
 */
#ifndef TARGETS_VENDORS_H
#define TARGETS_VENDORS_H

#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "core/uuid.h"
#include "providers/provider.h"

#define VENDORS_MAX 16 /* providers are constants of ours, and fewer */
#define VENDORS_MAX_TEAMS \
	4096 /* a team counts once for each vendor; the least recently used goes */
#define VENDORS_SLOTS     1024
#define VENDOR_REFUSALS   20 /* a team may cause at once, and after that one every: */
#define VENDOR_REFUSAL_US (INT64_C(10) * 1000000)

/* A wish of the vendor to be left alone. */
struct pause_state {
	int64_t until_us;
	unsigned repeats; /* pauses without a success in between */
};

/* Requests that went out in the half second of that number. */
struct window {
	int64_t number;
	unsigned sent;
};

struct vendor {
	const struct provider *provider;
	struct window window;
	struct pause_state pause;
	struct uuid blamed; /* the team that was paused last, alone, and until when */
	int64_t blamed_us;
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

/* When the team may send the vendor its next request: not after now_us when at once. */
int64_t vendors_next(const struct vendors *vendors, const struct provider *provider,
		     const struct uuid *team, int64_t now_us);

/* Until when the vendor wished to be left alone by the team; before now_us: it did not. */
int64_t vendors_limited(const struct vendors *vendors, const struct provider *provider,
			const struct uuid *team);

/* A request goes out now. */
void vendors_count(struct vendors *vendors, const struct provider *provider,
		   const struct uuid *team, int64_t now_us);

/* What an answer said. The vendor's wish for a pause holds for the team that was told; told to a
 * second team as well meanwhile, or about our address itself, for everybody. */
struct vendor_answer {
	const struct provider *provider;
	struct uuid team;
	const struct verdict *verdict;
	int status; /* 0: none */
};
void vendors_learn(struct vendors *vendors, const struct vendor_answer *answer, int64_t now_us);

#endif
