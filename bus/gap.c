/* SPDX-License-Identifier: Apache-2.0 */

/*
 * When in doubt, report a gap: a false report costs the client a reload, a missing one hides lost
 * events.
 */
#include "bus/gap.h"

static bool is_before(struct stream_id a, struct stream_id b)
{
	return stream_id_compare(a, b) < 0;
}

/* Every entry up to this one is gone. */
static struct stream_id last_gone(const struct bus_edges *edges)
{
	return stream_id_is_zero(edges->oldest) ? edges->newest : stream_id_previous(edges->oldest);
}

void gap_start(struct gap_watch *watch, const struct bus_edges *edges)
{
	watch->position = edges->newest;
	watch->removed = edges->removed;
	watch->expected = (struct stream_id){ .ms = 0 };
}

static void go_to(struct gap_watch *watch, struct stream_id position)
{
	watch->position = position;
	recent_cut(&watch->recent, position);
}

/* The stream no longer has any of them, so they prove nothing. */
static void forget_recent(struct gap_watch *watch)
{
	watch->recent.count = 0;
}

static bool lose_to(struct gap_watch *watch, struct stream_id position)
{
	forget_recent(watch);
	watch->position = position;
	return true;
}

/* The stream ends before the last entry that was read. */
static bool is_shorter(const struct gap_watch *watch, const struct bus_edges *edges)
{
	return is_before(edges->newest, watch->position);
}

static bool check_edges(struct gap_watch *watch, const struct bus_edges *edges)
{
	if (is_shorter(watch, edges) || edges->removed < watch->removed)
		return lose_to(watch, last_gone(edges));
	if (edges->removed > watch->removed && is_before(watch->position, last_gone(edges)))
		return lose_to(watch, last_gone(edges));
	return false;
}

static bool check_recent(struct gap_watch *watch, const struct bus_edges *edges,
			 const struct recent_match *match, bool same_server)
{
	struct stream_id newest = recent_newest(&watch->recent);
	bool goes_on = match->has_common && !match->has_strangers;

	if (match->newest_is_there)
		return false;
	if (is_shorter(watch, edges) && !match->has_common)
		return lose_to(watch, last_gone(edges));
	if (stream_id_is_zero(edges->oldest) || is_before(newest, edges->oldest)) {
		if (is_before(watch->position, last_gone(edges)))
			return lose_to(watch, last_gone(edges));
		forget_recent(watch);
		return false;
	}
	/* Somebody deleted single entries by hand. All of them had been read. */
	if (goes_on && same_server && !is_shorter(watch, edges)) {
		recent_cut(&watch->recent, match->common);
		return false;
	}
	if (!match->has_common)
		return lose_to(watch, stream_id_previous(recent_oldest(&watch->recent)));
	go_to(watch, match->common);
	return true;
}

bool gap_check(struct gap_watch *watch, const struct bus_edges *edges,
	       const struct recent_match *match, bool same_server)
{
	bool lost = watch->recent.count > 0 ? check_recent(watch, edges, match, same_server)
					    : check_edges(watch, edges);

	watch->removed = edges->removed;
	watch->expected = (struct stream_id){ .ms = 0 };
	if (watch->recent.count == 0 && is_before(watch->position, edges->oldest))
		watch->expected = edges->oldest;
	return lost;
}

bool gap_is_before(struct stream_id first, const struct gap_watch *watch,
		   const struct bus_edges *edges)
{
	if (!stream_id_is_zero(watch->expected))
		return is_before(watch->expected, first);
	return edges->removed > watch->removed;
}
