/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: the tail starts at the last id of the stream, and sends one blocking XREAD after the
 * other. With each it also reads its last entry a second time. While the stream still has that
 * entry, with the same bytes, no entry after it was missed, so the new ones are shown.
 *
 * Failure: after a loss, and whenever that entry is gone, the last entries read are compared with
 * the stream (bus/gap.h). Trimming, FLUSHALL, another stream of the same name, and a server that
 * lacks entries all end in a report of a gap, before any later entry is shown.
 *
 *   START --> READING <--> CHECKING      A lost connection leads to CHECKING, or, before the first
 *                                        read, to START.
 */
#include "bus/tail.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/counters.h"
#include "bus/entry.h"
#include "bus/gap.h"
#include "bus/linger.h"
#include "bus/range.h"
#include "bus/reply.h"
#include "bus/stream.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/log_limit.h"

#define READ_COUNT      1000
#define READ_COUNT_TEXT "1000"
#define BLOCK_TEXT      "5000"

/* The entries of one read. They are shown after the proof that none before them was missed. */
struct held {
	size_t count;
	struct stream_id first;
	struct stream_id last;
	size_t event_count;
	struct recent_entries recent; /* the recent entries once these are shown */
	struct event *events[READ_COUNT];
};

struct bus_tail {
	struct bus_tail_options options;
	struct redis *redis;
	bool started;
	bool source_is_announced;
	bool source_is_up;
	bool closing;
	struct redis_identity server; /* the server whose stream we read */
	struct gap_watch watch;
	struct held held;
	struct lingering linger; /* between two reads */
	struct recent_match match;
	struct log_limit gap_lines;
	unsigned open_handles; /* the connection and the timer */
	void (*on_closed)(void *owner);
	void *close_owner;
};

static void check(struct bus_tail *tail);
static void read_next(struct bus_tail *tail);

static void announce_source(struct bus_tail *tail, bool up)
{
	if (tail->source_is_announced && tail->source_is_up == up)
		return;
	tail->source_is_announced = true;
	tail->source_is_up = up;
	tail->options.on_source(up, tail->options.owner);
}

static void report_gap(struct bus_tail *tail, struct stream_id after)
{
	int64_t kept_back;

	metric_add(bus_counters.gaps, 1);
	if (log_limit_passes(&tail->gap_lines, clock_mono_ms(), &kept_back))
		log_warn("entries of the stream may be lost", log_stream_id("after", after),
			 log_stream_id("going_on_after", tail->watch.position),
			 log_int("kept_back", kept_back));
	tail->options.on_gap(tail->watch.position, tail->options.owner);
}

/* ---- what a read has brought ------------------------------------------------------------- */

static void drop_held(struct bus_tail *tail)
{
	for (size_t i = 0; i < tail->held.event_count; i++)
		event_free(tail->held.events[i]);
	tail->held.event_count = 0;
	tail->held.count = 0;
}

static int hold_entry(struct bus_tail *tail, const redisReply *reply, bool vouches)
{
	struct held *held = &tail->held;
	struct entry entry;
	int rc = entry_read(reply, &entry);

	if (rc)
		return rc;
	if (stream_id_compare(entry.id, held->last) <= 0) {
		event_free(entry.event);
		return -EBADMSG;
	}
	held->last = entry.id;
	if (held->count++ == 0)
		held->first = entry.id;
	if (entry.fate == ENTRY_SHOWN)
		held->events[held->event_count++] = entry.event;
	else if (entry.fate == ENTRY_NO_PAYLOAD || entry.fate == ENTRY_UNREADABLE)
		metric_add(bus_counters.unreadable, 1);
	return vouches ? recent_add(&held->recent, reply) : 0;
}

static int hold_entries(struct bus_tail *tail, const redisReply *list)
{
	int rc = list->elements > READ_COUNT ? -EBADMSG : 0;

	tail->held.last = tail->watch.position;
	tail->held.recent = tail->watch.recent;
	for (size_t i = 0; i < list->elements && rc == 0; i++)
		rc = hold_entry(tail, list->element[i], i + RECENT_MAX >= list->elements);
	metric_add(bus_counters.read[READER_TAIL], (int64_t)list->elements);
	return rc;
}

static void show_held(struct bus_tail *tail)
{
	struct held *held = &tail->held;

	tail->watch.position = held->last;
	tail->watch.recent = held->recent;
	for (size_t i = 0; i < held->event_count && !tail->closing; i++)
		tail->options.on_event(held->events[i], tail->options.owner);
	drop_held(tail);
	if (!tail->closing)
		tail->options.on_batch_end(tail->watch.position, tail->options.owner);
}

/* ---- reading ----------------------------------------------------------------------------- */

static void on_read(const redisReply *reply, void *owner)
{
	struct bus_tail *tail = owner;
	const redisReply *list = NULL;
	int rc = 0;

	drop_held(tail);
	if (!reply || tail->closing || reply_is_error(reply, "UNBLOCKED"))
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		redis_fail(tail->redis, reply->str);
		return;
	}
	rc = entry_list(reply, &list);
	if (rc == 0 && list)
		rc = hold_entries(tail, list);
	if (rc)
		reply_reject(tail->redis, rc, "XREAD");
}

static void read_on(struct bus_tail *tail)
{
	size_t count = tail->held.count;

	if (count > 0)
		show_held(tail);
	if (tail->closing || !linger_begins(&tail->linger, count))
		read_next(tail);
}

/* The command is sent with the read; its reply comes after that of the read. */
static void on_newest(const redisReply *reply, void *owner)
{
	struct bus_tail *tail = owner;
	struct recent_match match;
	int rc;

	if (!reply || tail->closing)
		return;
	rc = recent_compare(&tail->watch.recent, reply, &match);
	if (rc) {
		reply_reject(tail->redis, rc, "XRANGE");
	} else if (!match.newest_is_there) {
		drop_held(tail);
		check(tail);
	} else {
		read_on(tail);
	}
}

/* The answer to ask_newest() while no entry has been read: the edges must suffice. */
static void on_edges_after(const struct bus_edges *edges, void *owner)
{
	struct bus_tail *tail = owner;
	struct stream_id before = tail->watch.position;
	static const struct recent_match none = { .has_common = false };

	if (edges->rc == -ENOTCONN || tail->closing)
		return;
	if (edges->rc) {
		reply_reject(tail->redis, edges->rc, "XINFO STREAM");
		return;
	}
	if (tail->held.count == 0) {
		if (gap_check(&tail->watch, edges, &none, true))
			report_gap(tail, before);
	} else {
		if (gap_is_before(tail->held.first, &tail->watch, edges)) {
			tail->watch.position = stream_id_previous(tail->held.first);
			report_gap(tail, before);
		}
	}
	read_on(tail);
}

static int ask_newest(struct bus_tail *tail)
{
	char id[STREAM_ID_TEXT_SIZE];

	if (tail->watch.recent.count == 0)
		return bus_edges(tail->redis, on_edges_after, tail);
	stream_id_format(recent_newest(&tail->watch.recent), id);
	return redis_send_text(tail->redis, REPLY_TIMEOUT_MS, on_newest, tail, "XRANGE", BUS_STREAM,
			       id, id, NULL);
}

static void on_linger_over(void *owner)
{
	read_next(owner);
}

static void read_next(struct bus_tail *tail)
{
	char from[STREAM_ID_TEXT_SIZE];
	int rc;

	if (tail->closing)
		return;
	stream_id_format(tail->watch.position, from);
	rc = redis_send_text(tail->redis, REPLY_TIMEOUT_MS, on_read, tail, "XREAD", "COUNT",
			     READ_COUNT_TEXT, "BLOCK", BLOCK_TEXT, "STREAMS", BUS_STREAM, from,
			     NULL);
	reply_check_sent(tail->redis, rc ? rc : ask_newest(tail));
}

/* ---- is it still the same stream? -------------------------------------------------------- */

/* Relies on what the server reports. If it reports nothing, assumes the same history. */
static bool is_same_history(const struct redis_identity *before, const struct redis_identity *now)
{
	if (!before->replid[0] || !now->replid[0])
		return true;
	return strcmp(before->replid, now->replid) == 0 ||
	       strcmp(before->replid, now->replid2) == 0;
}

/* Reports the server and continues reading. */
static void take_server(struct bus_tail *tail)
{
	const struct redis_identity *now = redis_identity(tail->redis);
	bool continues = is_same_history(&tail->server, now);

	tail->server = *now;
	if (tail->options.on_server)
		tail->options.on_server(&tail->server, continues, tail->options.owner);
	if (!tail->closing)
		announce_source(tail, true);
	read_next(tail);
}

static void on_checked(const struct bus_edges *edges, void *owner)
{
	struct bus_tail *tail = owner;
	struct stream_id before = tail->watch.position;
	bool same_server;

	if (edges->rc == -ENOTCONN || tail->closing)
		return;
	if (edges->rc) {
		reply_reject(tail->redis, edges->rc, "XINFO STREAM");
		return;
	}
	same_server = tail->server.run_id[0] &&
		      strcmp(tail->server.run_id, redis_identity(tail->redis)->run_id) == 0;
	if (gap_check(&tail->watch, edges, &tail->match, same_server))
		report_gap(tail, before);
	if (!tail->closing)
		take_server(tail);
}

static void on_recent(const redisReply *reply, void *owner)
{
	struct bus_tail *tail = owner;
	int rc;

	if (!reply || tail->closing)
		return;
	rc = recent_compare(&tail->watch.recent, reply, &tail->match);
	if (rc)
		reply_reject(tail->redis, rc, "XRANGE");
}

static int ask_recent(struct bus_tail *tail)
{
	char from[STREAM_ID_TEXT_SIZE];
	char to[STREAM_ID_TEXT_SIZE];

	tail->match = (struct recent_match){ .has_common = false };
	if (tail->watch.recent.count == 0)
		return 0;
	stream_id_format(recent_oldest(&tail->watch.recent), from);
	stream_id_format(recent_newest(&tail->watch.recent), to);
	return redis_send_text(tail->redis, REPLY_TIMEOUT_MS, on_recent, tail, "XRANGE", BUS_STREAM,
			       from, to, "COUNT", RECENT_MAX_TEXT, NULL);
}

/* The edges come second, so that entries trimmed in between count as gone. */
static void check(struct bus_tail *tail)
{
	int rc = ask_recent(tail);

	reply_check_sent(tail->redis, rc ? rc : bus_edges(tail->redis, on_checked, tail));
}

/* ---- the start --------------------------------------------------------------------------- */

static void on_last_entries(const redisReply *reply, void *owner)
{
	struct bus_tail *tail = owner;
	int rc = 0;

	if (!reply || tail->closing || reply->type == REDIS_REPLY_ERROR)
		return; /* the answer about the edges says what is wrong */
	tail->watch.recent.count = 0;
	for (size_t i = reply->elements; i > 0 && rc == 0; i--)
		rc = recent_add(&tail->watch.recent, reply->element[i - 1]);
	if (rc)
		reply_reject(tail->redis, rc, "XREVRANGE");
}

static void on_start_edges(const struct bus_edges *edges, void *owner)
{
	struct bus_tail *tail = owner;

	if (edges->rc == -ENOTCONN || tail->closing)
		return;
	if (edges->rc) {
		reply_reject(tail->redis, edges->rc, "XINFO STREAM");
		return;
	}
	tail->started = true;
	gap_start(&tail->watch, edges);
	tail->server = *redis_identity(tail->redis);
	tail->options.on_start(tail->watch.position, tail->options.owner);
	if (!tail->closing)
		take_server(tail);
}

static void start(struct bus_tail *tail)
{
	int rc = redis_send_text(tail->redis, REPLY_TIMEOUT_MS, on_last_entries, tail, "XREVRANGE",
				 BUS_STREAM, "+", "-", "COUNT", RECENT_MAX_TEXT, NULL);

	reply_check_sent(tail->redis, rc ? rc : bus_edges(tail->redis, on_start_edges, tail));
}

/* ---- the connection ---------------------------------------------------------------------- */

static void on_up(void *owner)
{
	struct bus_tail *tail = owner;

	if (tail->started)
		check(tail);
	else
		start(tail);
}

static void on_down(void *owner)
{
	struct bus_tail *tail = owner;

	linger_stop(&tail->linger);
	announce_source(tail, false);
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
						 .master = options->master,
						 .name = "wrenn-events:tail",
						 .on_up = on_up,
						 .on_down = on_down,
						 .owner = tail },
			&tail->redis);
	if (rc) {
		free(tail);
		return rc;
	}
	linger_init(&tail->linger, options->loop, options->linger_ms, on_linger_over, tail);
	tail->open_handles = 2;
	*out = tail;
	return 0;
}

static void on_handle_closed(void *owner)
{
	struct bus_tail *tail = owner;

	if (--tail->open_handles > 0)
		return;
	drop_held(tail);
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
	linger_close(&tail->linger, on_handle_closed);
	redis_close(tail->redis, on_handle_closed, tail);
}

bool bus_tail_is_up(const struct bus_tail *tail)
{
	return tail->source_is_up;
}
