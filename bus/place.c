/* SPDX-License-Identifier: Apache-2.0 */

/*
 * In doubt there is a gap: one too many costs the client a reload, one too few hides lost events.
 */
#include "bus/place.h"

static bool is_before(struct stream_id a, struct stream_id b)
{
	return stream_id_compare(a, b) < 0;
}

/* Every entry up to here is gone. */
static struct stream_id last_gone(const struct bus_edges *edges)
{
	return stream_id_is_zero(edges->oldest) ? edges->newest : stream_id_previous(edges->oldest);
}

void place_start(struct stream_place *place, const struct bus_edges *edges)
{
	place->position = edges->newest;
	place->removed = edges->removed;
	place->expected = (struct stream_id){ .ms = 0 };
}

static void go_to(struct stream_place *place, struct stream_id position)
{
	place->position = position;
	recent_cut(&place->recent, position);
}

/* The stream has none of them any more, so they prove nothing. */
static void forget_recent(struct stream_place *place)
{
	place->recent.count = 0;
}

static bool lose_to(struct stream_place *place, struct stream_id position)
{
	forget_recent(place);
	place->position = position;
	return true;
}

/* The stream ends before the last entry that was read. */
static bool is_shorter(const struct stream_place *place, const struct bus_edges *edges)
{
	return is_before(edges->newest, place->position);
}

static bool check_edges(struct stream_place *place, const struct bus_edges *edges)
{
	if (is_shorter(place, edges) || edges->removed < place->removed)
		return lose_to(place, last_gone(edges));
	if (edges->removed > place->removed && is_before(place->position, last_gone(edges)))
		return lose_to(place, last_gone(edges));
	return false;
}

static bool check_recent(struct stream_place *place, const struct bus_edges *edges,
			 const struct recent_match *match, bool same_server)
{
	struct stream_id newest = recent_newest(&place->recent);
	bool goes_on = match->has_common && !match->has_strangers;

	if (match->newest_is_there)
		return false;
	if (is_shorter(place, edges) && !match->has_common)
		return lose_to(place, last_gone(edges));
	if (stream_id_is_zero(edges->oldest) || is_before(newest, edges->oldest)) {
		if (is_before(place->position, last_gone(edges)))
			return lose_to(place, last_gone(edges));
		forget_recent(place);
		return false;
	}
	/* Somebody deleted single entries by hand. All of them had been read. */
	if (goes_on && same_server && !is_shorter(place, edges)) {
		recent_cut(&place->recent, match->common);
		return false;
	}
	if (!match->has_common)
		return lose_to(place, stream_id_previous(recent_oldest(&place->recent)));
	go_to(place, match->common);
	return true;
}

bool place_check(struct stream_place *place, const struct bus_edges *edges,
		 const struct recent_match *match, bool same_server)
{
	bool lost = place->recent.count > 0 ? check_recent(place, edges, match, same_server)
					    : check_edges(place, edges);

	place->removed = edges->removed;
	place->expected = (struct stream_id){ .ms = 0 };
	if (place->recent.count == 0 && is_before(place->position, edges->oldest))
		place->expected = edges->oldest;
	return lost;
}

bool place_precedes(const struct stream_place *place, struct stream_id first,
		    const struct bus_edges *edges)
{
	if (!stream_id_is_zero(place->expected))
		return !is_before(place->expected, first);
	return edges->removed <= place->removed;
}
