/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tail: reads the stream by plain XREAD from a position of its own.
 *
 * Happy path: the stream's last id is where it starts; then one blocking XREAD after the other.
 * After a loss it goes on from the same position. A hole is never silent. Two things reveal one:
 *
 *   - the edges of the stream, asked for after every loss and whenever a read brought nothing:
 *     the last id below ours, or fewer entries ever added than before, means that Redis lost its
 *     data; an oldest entry above our position in a trimmed stream means that we were overtaken;
 *   - while behind (a full read, or after a loss) the read begins one entry early: the last
 *     entry read must come again, else it was trimmed and perhaps others behind it. A full read
 *     that did not is made again in this way before anything of it is shown. Before the first
 *     entry of all and behind a gap there is none to ask for: then the edges are asked for, and the
 *     oldest entry they knew must come.
 *
 * In doubt there is a gap: telling of one too many costs a reload, one too few costs the truth.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/bus.h"
#include "bus/entry.h"
#include "core/log.h"

#define READ_COUNT       1000
#define READ_COUNT_TEXT  "1001" /* and the one read before */
#define BLOCK_TEXT       "5000"
#define REPLY_TIMEOUT_MS 10000 /* with the blocking */

struct bus_tail {
	struct bus_tail_options options;
	struct redis *redis;
	bool started;
	bool source_is_told;
	bool source_is_up;
	bool after_loss; /* the next edges are the first since the connection came back */
	bool behind;
	bool overlaps; /* the read under way begins one entry early */
	bool closing;
	struct stream_id position; /* of the last entry read */
	struct stream_id first;    /* the oldest entry there was, which must come next; else zero */
	uint64_t added;            /* entries ever added, at the least */
	struct stream_id added_to; /* those up to here are counted in it */
	void (*on_closed)(void *owner);
	void *close_owner;
};

static void ask_edges(struct bus_tail *tail);
static void read_next(struct bus_tail *tail);

static void tell_source(struct bus_tail *tail, bool up)
{
	if (tail->source_is_told && tail->source_is_up == up)
		return;
	tail->source_is_told = true;
	tail->source_is_up = up;
	tail->options.on_source(up, tail->options.owner);
}

static void tell_gap(struct bus_tail *tail, struct stream_id oldest)
{
	metric_add(bus_counters.gaps, 1);
	log_warn("entries of the stream may be lost", log_stream_id("after", tail->position),
		 log_stream_id("oldest", oldest));
	tail->options.on_gap(oldest, tail->options.owner);
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool is_at_zero(const struct bus_tail *tail)
{
	return stream_id_is_zero(tail->position);
}

/* Between the edges and this read the front was trimmed on. */
static bool begins_late(const struct bus_tail *tail, struct stream_id id)
{
	return !stream_id_is_zero(tail->first) && stream_id_compare(id, tail->first) > 0;
}

static int show_entry(struct bus_tail *tail, const redisReply *reply)
{
	struct entry entry;
	int rc = entry_read(reply, &entry);

	if (rc)
		return rc;
	if (tail->overlaps) {
		int order = stream_id_compare(entry.id, tail->position);

		tail->overlaps = false;
		if (order > 0) {
			tell_gap(tail, entry.id);
		} else if (order == 0) {
			event_unref(entry.event); /* seen before */
			return 0;
		}
	}
	if (stream_id_compare(entry.id, tail->position) <= 0) {
		event_unref(entry.event);
		return -EBADMSG;
	}
	if (begins_late(tail, entry.id))
		tell_gap(tail, entry.id);
	tail->first = (struct stream_id){ 0 };
	tail->position = entry.id;
	if (stream_id_compare(entry.id, tail->added_to) > 0)
		tail->added++;
	if (entry.fate == ENTRY_SHOWN && !tail->closing)
		tail->options.on_event(entry.event, tail->options.owner);
	else if (entry.fate == ENTRY_NO_PAYLOAD || entry.fate == ENTRY_UNREADABLE)
		metric_add(bus_counters.unreadable, 1);
	event_unref(entry.event);
	return 0;
}

static void show_entries(struct bus_tail *tail, const redisReply *list)
{
	struct stream_id before = tail->position;
	int rc = 0;

	for (size_t i = 0; i < list->elements && rc == 0 && !tail->closing; i++)
		rc = show_entry(tail, list->element[i]);
	metric_add(bus_counters.read[READER_TAIL], (int64_t)list->elements);
	if (!tail->closing && stream_id_compare(before, tail->position) != 0)
		tail->options.on_batch_end(tail->position, tail->options.owner);
	if (tail->closing)
		return;
	if (rc) {
		redis_fail(tail->redis,
			   rc == -ENOMEM ? "out of memory" : "an entry that makes no sense");
		return;
	}
	tail->behind = list->elements >= READ_COUNT;
	read_next(tail);
}

/* Who is overtaken has at least as much ahead as the stream keeps, which is more than one read. */
static bool may_hide_a_hole(const struct bus_tail *tail, const redisReply *list)
{
	return list->elements >= READ_COUNT && !tail->overlaps && stream_id_is_zero(tail->first);
}

static void look_for_hole(struct bus_tail *tail)
{
	if (is_at_zero(tail)) {
		ask_edges(tail);
		return;
	}
	tail->behind = true;
	read_next(tail);
}

static void on_read(const redisReply *reply, void *owner)
{
	struct bus_tail *tail = owner;
	const redisReply *list;

	if (!reply || tail->closing)
		return;
	if (reply->type == REDIS_REPLY_ERROR && !reply_is_error(reply, "UNBLOCKED")) {
		redis_fail(tail->redis, reply->str);
		return;
	}
	if (reply->type == REDIS_REPLY_ERROR)
		list = NULL;
	else if (entry_list(reply, &list) != 0) {
		redis_fail(tail->redis, "an answer to XREAD that makes no sense");
		return;
	}
	if (list && may_hide_a_hole(tail, list))
		look_for_hole(tail);
	else if (list && list->elements > 0)
		show_entries(tail, list);
	else
		ask_edges(tail);
}

static void read_next(struct bus_tail *tail)
{
	char from[STREAM_ID_TEXT_SIZE];
	int rc;

	tail->overlaps = tail->behind && !is_at_zero(tail) && stream_id_is_zero(tail->first);
	stream_id_format(tail->overlaps ? stream_id_previous(tail->position) : tail->position,
			 from);
	if (tail->overlaps)
		rc = redis_send_text(tail->redis, REPLY_TIMEOUT_MS, on_read, tail, "XREAD", "COUNT",
				     READ_COUNT_TEXT, "STREAMS", BUS_STREAM, from, NULL);
	else
		rc = redis_send_text(tail->redis, REPLY_TIMEOUT_MS, on_read, tail, "XREAD", "COUNT",
				     READ_COUNT_TEXT, "BLOCK", BLOCK_TEXT, "STREAMS", BUS_STREAM,
				     from, NULL);
	if (rc && rc != -ENOTCONN)
		redis_fail(tail->redis, "out of memory");
}

/* ---- the edges --------------------------------------------------------------------------- */

static bool data_is_lost(const struct bus_tail *tail, const struct bus_edges *edges)
{
	if (!edges->exists)
		return !stream_id_is_zero(tail->position) || tail->added > 0;
	return stream_id_compare(edges->newest, tail->position) < 0 ||
	       (edges->added > 0 && edges->added < tail->added);
}

/* Only after a loss, or before the first entry: while we read on, an overtaken position shows in
 * the next read, and an entry that has just come into an emptied stream must not look like a hole. */
static bool is_overtaken(const struct bus_tail *tail, const struct bus_edges *edges)
{
	if ((!tail->after_loss && !is_at_zero(tail)) || !edges->trimmed)
		return false;
	if (stream_id_is_zero(edges->oldest))
		return stream_id_compare(edges->newest, tail->position) > 0;
	return stream_id_compare(edges->oldest, tail->position) > 0;
}

static void count_added(struct bus_tail *tail, const struct bus_edges *edges)
{
	tail->added = edges->added;
	tail->added_to = edges->newest;
}

static struct stream_id front_of(const struct bus_edges *edges)
{
	return stream_id_is_zero(edges->oldest) ? edges->newest : stream_id_previous(edges->oldest);
}

/* Sets the position behind a hole, if there is one, and tells of it. */
static void compare_edges(struct bus_tail *tail, const struct bus_edges *edges)
{
	bool lost = data_is_lost(tail, edges);

	if (!lost && !is_overtaken(tail, edges)) {
		tail->behind = tail->after_loss && edges->trimmed &&
			       stream_id_compare(edges->newest, tail->position) > 0;
		if (is_at_zero(tail))
			tail->first = edges->oldest;
		count_added(tail, edges);
		return;
	}
	tell_gap(tail, edges->oldest);
	tail->position = edges->exists ? front_of(edges) : (struct stream_id){ 0 };
	tail->first = edges->oldest;
	count_added(tail, edges);
	tail->behind = false;
}

static const char *edges_fault(int rc)
{
	return rc == -EPROTOTYPE ? "the key " BUS_STREAM " holds something that is no stream"
				 : "an answer to XINFO STREAM that makes no sense";
}

static void start(struct bus_tail *tail, const struct bus_edges *edges)
{
	tail->started = true;
	tail->position = edges->newest;
	count_added(tail, edges);
	tail->options.on_start(tail->position, tail->options.owner);
}

static void on_edges(const struct bus_edges *edges, void *owner)
{
	struct bus_tail *tail = owner;

	if (edges->rc == -ENOTCONN || tail->closing)
		return;
	if (edges->rc) {
		redis_fail(tail->redis, edges_fault(edges->rc));
		return;
	}
	if (tail->started)
		compare_edges(tail, edges);
	else
		start(tail, edges);
	tail->after_loss = false;
	if (!tail->closing)
		tell_source(tail, true);
	if (!tail->closing)
		read_next(tail);
}

static void ask_edges(struct bus_tail *tail)
{
	int rc = bus_edges(tail->redis, on_edges, tail);

	if (rc && rc != -ENOTCONN)
		redis_fail(tail->redis, "out of memory");
}

/* ---- the connection ---------------------------------------------------------------------- */

static void on_up(void *owner)
{
	struct bus_tail *tail = owner;

	tail->after_loss = true;
	ask_edges(tail);
}

static void on_down(void *owner)
{
	tell_source(owner, false);
}

int bus_tail_open(const struct bus_tail_options *options, struct bus_tail **out)
{
	struct bus_tail *tail = calloc(1, sizeof(*tail));
	int rc;

	if (!tail)
		return -ENOMEM;
	bus_counters_register();
	tail->options = *options;
	rc = redis_open(&(struct redis_options){ .loop = options->loop,
						 .address = options->address,
						 .name = "wrenn-events:tail",
						 .on_up = on_up,
						 .on_down = on_down,
						 .owner = tail },
			&tail->redis);
	if (rc) {
		free(tail);
		return rc;
	}
	*out = tail;
	return 0;
}

static void on_redis_closed(void *owner)
{
	struct bus_tail *tail = owner;

	if (tail->on_closed)
		tail->on_closed(tail->close_owner);
	free(tail);
}

void bus_tail_close(struct bus_tail *tail, void (*on_closed)(void *owner), void *owner)
{
	if (!tail) {
		if (on_closed)
			on_closed(owner);
		return;
	}
	tail->closing = true;
	tail->on_closed = on_closed;
	tail->close_owner = owner;
	redis_close(tail->redis, on_redis_closed, tail);
}

bool bus_tail_is_up(const struct bus_tail *tail)
{
	return tail->source_is_up;
}
