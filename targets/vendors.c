/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Teams share a vendor's requests per second by the rule of core/share.h, half a second at a
 * time. Vendors ban an address that causes thousands of refusals (401, 403, 404), so the refusals
 * of a team come at a bounded rate.
 *
 * Failure: when there is no memory to count a team by itself, only the limit of all teams together
 * applies to it.
 */
#include "targets/vendors.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include "core/share.h"

#define LONG_PAUSE_US (INT64_C(900) * 1000000) /* pauses grow to this length */
#define LEAST_US      (-(INT64_C(1) << 60))    /* long ago */
#define WINDOW_US     INT64_C(500000)
#define PEER_US       (INT64_C(10) * 1000000) /* a worker that is silent for this long is gone */
#define FAIR          8                       /* in quarters of the free requests, share_allows() */

struct vendor_team {
	struct list hashed;
	struct list used;
	const struct provider *provider;
	struct uuid team;
	struct window window;
	int64_t refused_us; /* until then a refusal still counts */
	struct pause_state pause;
};

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* ---- finding a vendor -------------------------------------------------------------------- */

static struct vendor *find(const struct vendors *vendors, const struct provider *provider)
{
	for (size_t i = 0; i < vendors->count; i++) {
		if (vendors->list[i].provider == provider)
			return (struct vendor *)&vendors->list[i];
	}
	return NULL;
}

static struct vendor *find_or_add(struct vendors *vendors, const struct provider *provider)
{
	struct vendor *vendor = find(vendors, provider);

	if (vendor)
		return vendor;
	assert(vendors->count < VENDORS_MAX);
	vendor = &vendors->list[vendors->count++];
	*vendor = (struct vendor){ .provider = provider,
				   .pause.until_us = LEAST_US,
				   .blamed_us = LEAST_US };
	return vendor;
}

static size_t slot_of(const struct provider *provider, const struct uuid *team)
{
	return (uuid_hash(team) ^ (uintptr_t)provider >> 4) % VENDORS_SLOTS;
}

static struct vendor_team *find_team(const struct vendors *vendors, const struct provider *provider,
				     const struct uuid *team)
{
	const struct list *slot = &vendors->slots[slot_of(provider, team)];

	LIST_EACH (link, slot) {
		struct vendor_team *entry = list_item(link, struct vendor_team, hashed);

		if (entry->provider == provider && uuid_eq(&entry->team, team))
			return entry;
	}
	return NULL;
}

static void forget_team(struct vendors *vendors, struct vendor_team *entry)
{
	list_remove(&entry->hashed);
	list_remove(&entry->used);
	vendors->team_count--;
	free(entry);
}

static struct vendor_team *find_or_add_team(struct vendors *vendors,
					    const struct provider *provider,
					    const struct uuid *team)
{
	struct vendor_team *entry = find_team(vendors, provider, team);

	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return NULL;
		if (vendors->team_count == VENDORS_MAX_TEAMS)
			forget_team(vendors,
				    list_item(vendors->used.next, struct vendor_team, used));
		entry->provider = provider;
		entry->team = *team;
		entry->refused_us = entry->pause.until_us = LEAST_US;
		list_add_tail(&vendors->slots[slot_of(provider, team)], &entry->hashed);
		list_init(&entry->used);
		vendors->team_count++;
	}
	list_remove(&entry->used);
	list_add_tail(&vendors->used, &entry->used);
	return entry;
}

/* ---- so many a second -------------------------------------------------------------------- */

static bool is_peer(const struct vendor_peer *peer, int64_t now_us)
{
	return !uuid_is_zero(&peer->worker) && now_us - peer->heard_us < PEER_US;
}

/* A second touches three windows at most, so each may have a third. */
static unsigned limit_of(const struct vendor *vendor, int64_t now_us)
{
	unsigned workers = 1;
	unsigned limit;

	for (size_t i = 0; i < VENDOR_PEERS; i++)
		workers += is_peer(&vendor->peers[i], now_us);
	limit = vendor->provider->per_second / 3 / workers;
	return limit > 0 ? limit : 1;
}

void vendors_meet(struct vendors *vendors, const struct provider *provider,
		  const struct uuid *worker, int64_t now_us)
{
	struct vendor_peer *peers;
	struct vendor_peer *place;

	if (provider->per_second == 0)
		return;
	peers = find_or_add(vendors, provider)->peers;
	place = &peers[0];
	for (size_t i = 0; i < VENDOR_PEERS && !uuid_eq(&place->worker, worker); i++) {
		if (uuid_eq(&peers[i].worker, worker) || peers[i].heard_us < place->heard_us)
			place = &peers[i];
	}
	*place = (struct vendor_peer){ .worker = *worker, .heard_us = now_us };
}

static unsigned sent_in(const struct window *window, int64_t number)
{
	return window->number == number ? window->sent : 0;
}

static void add_one(struct window *window, int64_t number)
{
	*window = (struct window){ .number = number, .sent = sent_in(window, number) + 1 };
}

static int64_t next_by_rate(const struct vendor *vendor, const struct vendor_team *entry,
			    int64_t now_us)
{
	int64_t number = now_us / WINDOW_US;
	unsigned limit = limit_of(vendor, now_us);
	unsigned sent = sent_in(&vendor->window, number);
	unsigned held = entry ? sent_in(&entry->window, number) : 0;

	return share_allows(held, sent < limit ? limit - sent : 0, FAIR) ? now_us
									 : (number + 1) * WINDOW_US;
}

void vendors_count(struct vendors *vendors, const struct provider *provider,
		   const struct uuid *team, int64_t now_us)
{
	struct vendor_team *entry;

	if (provider->per_second == 0)
		return;
	add_one(&find_or_add(vendors, provider)->window, now_us / WINDOW_US);
	entry = find_or_add_team(vendors, provider, team);
	if (entry)
		add_one(&entry->window, now_us / WINDOW_US);
}

int64_t vendors_next(const struct vendors *vendors, const struct provider *provider,
		     const struct uuid *team, int64_t now_us)
{
	const struct vendor *vendor = find(vendors, provider);
	const struct vendor_team *entry = find_team(vendors, provider, team);
	int64_t next_us = now_us;

	if (vendor)
		next_us = later(next_us, vendor->pause.until_us);
	if (entry) {
		next_us = later(next_us, entry->pause.until_us);
		next_us = later(next_us, entry->refused_us - VENDOR_REFUSALS * VENDOR_REFUSAL_US);
	}
	if (vendor && provider->per_second > 0)
		next_us = later(next_us, next_by_rate(vendor, entry, now_us));
	return next_us;
}

int64_t vendors_limited(const struct vendors *vendors, const struct provider *provider,
			const struct uuid *team)
{
	const struct vendor *vendor = find(vendors, provider);
	const struct vendor_team *entry = find_team(vendors, provider, team);

	return later(vendor ? vendor->pause.until_us : LEAST_US,
		     entry ? entry->pause.until_us : LEAST_US);
}

/* ---- refusals and complaints ------------------------------------------------------------- */

/* Requests that run at the same time may all be refused. The bound limits the team's wait for that
 * to a minute. */
static void count_refusal(struct vendor_team *entry, int64_t now_us)
{
	int64_t most_us = now_us + (VENDOR_REFUSALS + 6) * VENDOR_REFUSAL_US;

	entry->refused_us = later(entry->refused_us, now_us) + VENDOR_REFUSAL_US;
	if (entry->refused_us > most_us)
		entry->refused_us = most_us;
}

/* A vendor that complains again after a pause was not left alone for long enough. */
static int64_t grown(int64_t span_us, unsigned repeats)
{
	int64_t longest_us = later(span_us, LONG_PAUSE_US);

	while (repeats-- > 0 && span_us < longest_us)
		span_us *= 2;
	return span_us < longest_us ? span_us : longest_us;
}

static void extend(struct pause_state *pause, int64_t span_us, int64_t now_us)
{
	/* Requests that ran at the same time get the same complaint, which counts once. */
	if (pause->until_us > now_us) {
		pause->until_us = later(pause->until_us, now_us + span_us);
		return;
	}
	pause->until_us = now_us + grown(span_us, pause->repeats);
	if (pause->repeats < UINT_MAX)
		pause->repeats++;
}

static void take_complaint(struct vendor *vendor, struct vendor_team *entry, int64_t span_us,
			   int64_t now_us)
{
	bool concerns_everybody =
		!entry || (vendor->blamed_us > now_us && !uuid_eq(&vendor->blamed, &entry->team));

	if (entry)
		extend(&entry->pause, span_us, now_us);
	if (concerns_everybody) {
		extend(&vendor->pause, span_us, now_us);
		return;
	}
	vendor->blamed = entry->team;
	vendor->blamed_us = entry->pause.until_us;
}

/* A success: our address is not blocked, or no longer. Running pauses stay. */
static void note_success(struct vendor *vendor, struct vendor_team *entry)
{
	if (vendor)
		vendor->pause.repeats = 0;
	if (entry)
		entry->pause.repeats = 0;
}

bool vendors_refuses(int status)
{
	return status == 401 || status == 403 || status == 404;
}

void vendors_learn(struct vendors *vendors, const struct vendor_answer *answer, int64_t now_us)
{
	const struct verdict *verdict = answer->verdict;
	struct vendor_team *entry;

	if (vendors_refuses(answer->status)) {
		entry = find_or_add_team(vendors, answer->provider, &answer->team);
		if (entry)
			count_refusal(entry, now_us);
	}
	if (verdict->pause == PAUSE_EVERYBODY && verdict->pause_ms >= 0) {
		extend(&find_or_add(vendors, answer->provider)->pause, verdict->pause_ms * 1000,
		       now_us);
	} else if (verdict->pause == PAUSE_PROVIDER && verdict->pause_ms >= 0) {
		entry = find_or_add_team(vendors, answer->provider, &answer->team);
		take_complaint(find_or_add(vendors, answer->provider), entry,
			       verdict->pause_ms * 1000, now_us);
	} else if (verdict->kind == VERDICT_DELIVERED) {
		note_success(find(vendors, answer->provider),
			     find_team(vendors, answer->provider, &answer->team));
	}
}

/* ---- opening and closing ------------------------------------------------------------------- */

void vendors_init(struct vendors *vendors)
{
	vendors->count = 0;
	vendors->team_count = 0;
	list_init(&vendors->used);
	for (size_t i = 0; i < VENDORS_SLOTS; i++)
		list_init(&vendors->slots[i]);
}

void vendors_done(struct vendors *vendors)
{
	LIST_EACH_SAFE (link, &vendors->used)
		forget_team(vendors, list_item(link, struct vendor_team, used));
}
