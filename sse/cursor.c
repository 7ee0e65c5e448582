/* SPDX-License-Identifier: Apache-2.0 */

/* Judges cursors. Nothing here waits or fails. */
#include "sse/cursor.h"

#include "sse/live.h"

static bool is_before(struct stream_id a, struct stream_id b)
{
	return stream_id_compare(a, b) < 0;
}

/* "0-0" is the cursor of a stream that began before the first entry. */
static bool asks_for_all(const struct stream_query *query)
{
	return query->start == START_EARLIEST || stream_id_is_zero(query->cursor);
}

static void begin_at(struct beginning *out, struct stream_id cursor, bool gap)
{
	*out = (struct beginning){
		.from_cursor = true, .gap = gap, .cursor = cursor, .oldest = stream_id_next(cursor)
	};
}

/* ---- cursors in the history -------------------------------------------------------------- */

/* Right before the first item of a history that holds the whole stream. */
static struct stream_id beginning_of(const struct history *history)
{
	return history->all.oldest ? stream_id_previous(history->all.oldest->id) : history->head;
}

static bool begin_at_beginning(const struct history *history, struct beginning *out)
{
	begin_at(out, beginning_of(history), false);
	return true;
}

bool cursor_begin_in_memory(const struct history *history, const struct stream_query *query,
			    struct beginning *out)
{
	bool has_all = stream_id_is_zero(history->floor);
	bool misses = history_misses(history, query->cursor);

	if (misses && history->went_back)
		return false;
	if (asks_for_all(query))
		return has_all && stream_id_is_zero(history->hole) &&
		       begin_at_beginning(history, out);
	if (is_before(query->cursor, history->floor) ||
	    (is_before(history->head, query->cursor) && !misses))
		return false;
	if (has_all && is_before(query->cursor, beginning_of(history))) {
		if (query->start == START_ID || misses)
			return false;
		return begin_at_beginning(history, out);
	}
	begin_at(out, query->cursor, misses);
	return true;
}

bool cursor_outruns_gap(const struct topic *topic, const struct stream_query *query,
			const struct beginning *beginning)
{
	const struct history *history = &topic->sse->history;

	if (stream_id_compare(history->head, history->resume) == 0 &&
	    stream_id_compare(beginning->cursor, history->resume) == 0)
		return true;
	for (const struct item *item = history_after(topic, beginning->cursor);
	     item && stream_id_compare(item->id, history->hole) <= 0;
	     item = item->next[topic->chain])
		if (!item->transient &&
		    filter_lets_through(query->filter, (enum event_kind)item->kind,
					(enum event_outcome)item->outcome, item_resource(item)))
			return true;
	return false;
}

/* ---- cursors checked with the stream's edges --------------------------------------------- */

/* Everything up to here is gone or never existed. */
static struct stream_id front_of(const struct bus_edges *edges)
{
	return stream_id_is_zero(edges->oldest) ? edges->newest : stream_id_previous(edges->oldest);
}

/* Begins at the first entry that is left. */
static void begin_at_front(const struct bus_edges *edges, bool gap, struct beginning *out)
{
	begin_at(out, front_of(edges), gap);
	if (stream_id_is_zero(edges->oldest))
		out->from_cursor = false; /* memory may hold entries that are gone from Redis */
	else
		out->oldest = edges->oldest;
}

/* Entries between this cursor and the front may be gone. */
static bool front_hides(const struct history *history, const struct stream_query *query,
			const struct bus_edges *edges)
{
	return edges->trimmed || history_misses(history, query->cursor) ||
	       query->start == START_ID || history->other_history;
}

/* The id belongs to an entry that is not in this stream. */
static bool is_strange(const struct history *history, const struct stream_query *query,
		       const struct bus_edges *edges)
{
	return query->start == START_ID &&
	       (is_before(edges->newest, query->cursor) ||
		(history->went_back && history_misses(history, query->cursor)));
}

void cursor_begin_at_edges(const struct history *history, const struct stream_query *query,
			   const struct bus_edges *edges, struct beginning *out)
{
	bool misses = history_misses(history, query->cursor);

	if (query->start == START_EARLIEST || (stream_id_is_zero(query->cursor) && !edges->trimmed))
		begin_at_front(edges, false, out);
	else if (is_strange(history, query, edges))
		begin_at_front(edges, true, out);
	else if (is_before(edges->newest, query->cursor))
		begin_at(out, edges->newest, misses && !history->went_back);
	else if (is_before(query->cursor, front_of(edges)))
		begin_at_front(edges, front_hides(history, query, edges), out);
	else
		begin_at(out, query->cursor, misses);
}
