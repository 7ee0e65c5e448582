/* SPDX-License-Identifier: Apache-2.0 */

/*
 * In each lane the waiting teams lie in lists by the number of slots they hold. A bit says which
 * lists are not empty. The first team of the lowest list is next; if it may not have a slot, no
 * team may. A team without requests and waiting channels is forgotten when many others are the
 * same; then only the length of its requests is lost. Failure: without memory for a team, a
 * nameless team takes its place.
 */
#include "delivery/shares.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/share.h"

#define BUCKETS    1024
#define WORD_BITS  64
#define HALVING_US (INT64_C(60) * 1000000)
#define WEIGHT_US \
	(INT64_C(10) * 1000000) /* a request of this length weighs as much as all earlier ones */
#define LONGEST_US \
	(INT64_C(60) * 1000000) /* no request lasts longer, except when the machine slept */

/* In quarters of the free slots, share_allows(). */
static const unsigned weights[SHARE_LANES] = { [SHARE_QUICK] = 8, [SHARE_SLOW] = 4 };

/* A team in one lane. */
struct place {
	struct list seats; /* those that wait */
	struct list level; /* in the list of its number of slots, while a seat waits */
	unsigned held;
};

struct share_team {
	struct list hashed;
	struct list idle; /* in shares->idle, while it has no seat */
	struct uuid id;
	struct slot_time time;
	unsigned seats; /* waiting or with a slot */
	struct place places[SHARE_LANES];
};

struct slot_lane {
	unsigned limit;
	unsigned held;
	struct list *levels; /* of teams, by the slots they hold; as many as there are slots */
	uint64_t *filled;    /* a bit for each of the levels */
};

struct shares {
	unsigned slots;
	unsigned held;
	enum share_lane turn; /* the lane that is served first */
	struct slot_lane lanes[SHARE_LANES];
	struct share_team nameless;
	struct list idle; /* the longest idle one first */
	unsigned idle_count;
	struct list buckets[BUCKETS];
};

/* ---- how long slots are kept ------------------------------------------------------------- */

static int64_t mean_of(const struct slot_time *time, int64_t now_us)
{
	int64_t halvings = (now_us - time->noted_us) / HALVING_US;

	return halvings >= 32 ? 0 : time->mean_us >> halvings;
}

static void note_time(struct slot_time *time, int64_t kept_us, int64_t now_us)
{
	int64_t mean_us;

	if (kept_us > LONGEST_US)
		kept_us = LONGEST_US;
	mean_us = time->is_known ? mean_of(time, now_us) : kept_us;

	time->mean_us = mean_us + (kept_us - mean_us) * kept_us / (kept_us + WEIGHT_US);
	time->noted_us = now_us;
	time->is_known = true;
}

static bool is_slow(const struct slot_time *time, int64_t now_us)
{
	return mean_of(time, now_us) > SHARE_SLOW_US;
}

/* The channel itself is the best evidence. One that was away counts as proven if it was, unless its
 * team keeps slots for long. */
static enum share_lane lane_of(const struct share_seat *seat, bool is_proven, int64_t now_us)
{
	const struct slot_time *of_team = &seat->team->time;
	bool is_quick = is_proven && of_team->is_known && !is_slow(of_team, now_us);

	if (seat->time.is_known)
		is_quick = !is_slow(&seat->time, now_us);
	return is_quick ? SHARE_QUICK : SHARE_SLOW;
}

/* ---- the levels of a lane ---------------------------------------------------------------- */

static void mark(struct slot_lane *lane, unsigned level)
{
	uint64_t bit = UINT64_C(1) << level % WORD_BITS;

	if (list_is_empty(&lane->levels[level]))
		lane->filled[level / WORD_BITS] &= ~bit;
	else
		lane->filled[level / WORD_BITS] |= bit;
}

/* Puts the team last in the list of its number of slots, or in no list while none of its seats
 * waits. */
static void put(struct slot_lane *lane, struct place *place)
{
	list_remove(&place->level);
	if (!list_is_empty(&place->seats))
		list_add_tail(&lane->levels[place->held], &place->level);
	mark(lane, place->held);
}

static void set_held(struct slot_lane *lane, struct place *place, unsigned held)
{
	list_remove(&place->level);
	mark(lane, place->held);
	place->held = held;
	put(lane, place);
}

static struct place *first_place(const struct shares *shares, const struct slot_lane *lane)
{
	for (unsigned word = 0; word <= shares->slots / WORD_BITS; word++) {
		unsigned level = word * WORD_BITS;

		if (lane->filled[word] == 0)
			continue;
		level += (unsigned)__builtin_ctzll(lane->filled[word]);
		return list_item(lane->levels[level].next, struct place, level);
	}
	return NULL;
}

/* ---- teams ------------------------------------------------------------------------------- */

static void init_team(struct share_team *team)
{
	list_init(&team->hashed);
	list_init(&team->idle);
	for (size_t i = 0; i < SHARE_LANES; i++) {
		list_init(&team->places[i].seats);
		list_init(&team->places[i].level);
	}
}

static struct share_team *find_team(struct shares *shares, const struct uuid *id)
{
	struct list *bucket = &shares->buckets[uuid_hash(id) % BUCKETS];
	struct share_team *team;

	LIST_EACH (link, bucket) {
		team = list_item(link, struct share_team, hashed);
		if (uuid_eq(&team->id, id))
			return team;
	}
	team = calloc(1, sizeof(*team));
	if (!team)
		return &shares->nameless;
	init_team(team);
	team->id = *id;
	list_add_tail(bucket, &team->hashed);
	return team;
}

static void free_idle(struct shares *shares)
{
	struct share_team *team = list_item(shares->idle.next, struct share_team, idle);

	list_remove(&team->idle);
	list_remove(&team->hashed);
	shares->idle_count--;
	free(team);
}

static void join_team(struct shares *shares, struct share_seat *seat, const struct uuid *id)
{
	seat->team = find_team(shares, id);
	if (!list_is_empty(&seat->team->idle)) {
		list_remove(&seat->team->idle);
		shares->idle_count--;
	}
	seat->team->seats++;
}

static void leave_team(struct shares *shares, struct share_seat *seat)
{
	struct share_team *team = seat->team;

	seat->team = NULL;
	if (--team->seats > 0 || team == &shares->nameless)
		return;
	list_add_tail(&shares->idle, &team->idle);
	shares->idle_count++;
	if (shares->idle_count > SHARE_MAX_TEAMS)
		free_idle(shares);
}

static struct place *place_of(const struct share_seat *seat)
{
	return &seat->team->places[seat->lane];
}

/* ---- seats of channels --------------------------------------------------------------------- */

void share_seat_init(struct share_seat *seat)
{
	*seat = (struct share_seat){ .team = NULL };
	list_init(&seat->turn);
}

void share_seat_renew(struct share_seat *seat)
{
	seat->time = (struct slot_time){ .is_known = false };
}

void share_wait(struct shares *shares, struct share_seat *seat, const struct uuid *team,
		bool is_proven, int64_t now_us)
{
	assert(!seat->team);
	join_team(shares, seat, team);
	seat->lane = lane_of(seat, is_proven, now_us);
	list_add_tail(&place_of(seat)->seats, &seat->turn);
	if (list_is_empty(&place_of(seat)->level))
		put(&shares->lanes[seat->lane], place_of(seat));
}

static void stop_waiting(struct shares *shares, struct share_seat *seat)
{
	list_remove(&seat->turn);
	if (list_is_empty(&place_of(seat)->seats))
		put(&shares->lanes[seat->lane], place_of(seat));
}

void share_leave(struct shares *shares, struct share_seat *seat)
{
	if (!seat->team || seat->is_held)
		return;
	stop_waiting(shares, seat);
	leave_team(shares, seat);
}

void share_take(struct shares *shares, struct share_seat *seat, int64_t now_us)
{
	struct slot_lane *lane = &shares->lanes[seat->lane];

	assert(seat->team && !seat->is_held && shares->held < shares->slots);
	stop_waiting(shares, seat);
	seat->is_held = true;
	seat->since_us = now_us;
	shares->held++;
	lane->held++;
	set_held(lane, place_of(seat), place_of(seat)->held + 1);
	shares->turn = seat->lane == SHARE_QUICK ? SHARE_SLOW : SHARE_QUICK;
}

void share_give_back(struct shares *shares, struct share_seat *seat, int64_t now_us)
{
	struct slot_lane *lane = &shares->lanes[seat->lane];
	int64_t kept_us = now_us > seat->since_us ? now_us - seat->since_us : 0;

	assert(seat->is_held);
	note_time(&seat->time, kept_us, now_us);
	note_time(&seat->team->time, kept_us, now_us);
	seat->is_held = false;
	shares->held--;
	lane->held--;
	set_held(lane, place_of(seat), place_of(seat)->held - 1);
	leave_team(shares, seat);
}

/* ---- whose turn it is ---------------------------------------------------------------------- */

static struct share_seat *next_of(const struct shares *shares, enum share_lane number)
{
	const struct slot_lane *lane = &shares->lanes[number];
	unsigned left = lane->limit - lane->held;
	const struct place *place = first_place(shares, lane);

	if (left > shares->slots - shares->held)
		left = shares->slots - shares->held;
	if (!place || !share_allows(place->held, left, weights[number]))
		return NULL;
	return list_item(place->seats.next, struct share_seat, turn);
}

struct share_seat *shares_next(struct shares *shares)
{
	enum share_lane other = shares->turn == SHARE_QUICK ? SHARE_SLOW : SHARE_QUICK;
	struct share_seat *seat = next_of(shares, shares->turn);

	return seat ? seat : next_of(shares, other);
}

unsigned shares_held(const struct shares *shares)
{
	return shares->held;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static int open_lane(struct slot_lane *lane, unsigned slots, unsigned limit)
{
	lane->limit = limit;
	lane->levels = calloc(slots + 1, sizeof(*lane->levels));
	lane->filled = calloc(slots / WORD_BITS + 1, sizeof(*lane->filled));
	if (!lane->levels || !lane->filled)
		return -ENOMEM;
	for (unsigned i = 0; i <= slots; i++)
		list_init(&lane->levels[i]);
	return 0;
}

int shares_open(unsigned slots, struct shares **out)
{
	struct shares *shares = calloc(1, sizeof(*shares));
	int rc;

	assert(slots > 0);
	if (!shares)
		return -ENOMEM;
	shares->slots = slots;
	list_init(&shares->idle);
	init_team(&shares->nameless);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&shares->buckets[i]);
	rc = open_lane(&shares->lanes[SHARE_QUICK], slots, slots);
	if (rc == 0)
		rc = open_lane(&shares->lanes[SHARE_SLOW], slots, (slots + 1) / 2);
	if (rc < 0) {
		shares_close(shares);
		return rc;
	}
	*out = shares;
	return 0;
}

void shares_close(struct shares *shares)
{
	if (!shares)
		return;
	while (!list_is_empty(&shares->idle))
		free_idle(shares);
	for (size_t i = 0; i < SHARE_LANES; i++) {
		free(shares->lanes[i].levels);
		free(shares->lanes[i].filled);
	}
	free(shares);
}
