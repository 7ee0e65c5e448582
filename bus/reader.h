/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the group by XREADGROUP, one read at a time. It drains pending entries first, from the
 * oldest on, and then follows with new ones. Private to bus/.
 */
#ifndef BUS_READER_H
#define BUS_READER_H

#include <stdbool.h>

#include "bus/batch.h"
#include "bus/step.h"
#include "core/stream_id.h"

/* The longest that Redis may need for a read of new entries: its blocking and a margin. */
#define READER_MAX_MS 2500

/* A limit above all pending entries. */
#define READER_EVERYTHING ((struct stream_id){ .ms = UINT64_MAX, .seq = UINT64_MAX })

struct group_reader {
	/* The owner sets these once. */
	struct step step; /* nothing else may use its connection, because a read blocks it */
	/* After a small read, wait this long before the next one, so that entries which arrive
	 * meanwhile are read, committed and acknowledged together. 0: do not wait. */
	unsigned linger_ms;
	/* What was read comes next. The callee owns `batch`, which is NULL when nothing came. */
	void (*on_read)(struct batch *batch, void *owner);
	/* The next read may start: after on_read, after a read that was cancelled, and when what
	 * was read must be read again behind a pending entry. */
	void (*on_idle)(void *owner);
	/* Private, except for reading. */
	bool is_busy;
	bool is_cancelled; /* ignore the pending answer */
	bool is_lingering; /* no read starts before reader_end_linger(); set before on_read */
	bool is_draining;
	bool drain_is_wanted;
	struct stream_id drained_to;  /* pending entries up to here have been read again */
	struct stream_id drain_limit; /* later ones are read as if they were new */
	struct stream_id read_to; /* where the group was, or the newest that on_read got since */
	struct batch *held;       /* read, until it is known what else is pending */
	unsigned count;           /* entries that the next read asks for; 0: the maximum */
};

/* For the read after one that asked for `count` and brought this many entries and bytes. Entries
 * longer than any event would fill the memory, so a read that brought many bytes is followed by a
 * smaller one. */
unsigned reader_next_count(unsigned count, size_t entries, size_t bytes);

/* The group is at the position `at`. The next read drains pending entries up to there. */
void reader_begin(struct group_reader *reader, struct stream_id at);
/* Drains what is pending of the entries read so far, after the current read or drain. */
void reader_drain_soon(struct group_reader *reader);

/* Draining must not begin while a batch exists: it is pending, and would be read a second time. */
bool reader_can_start(const struct group_reader *reader, bool has_batch);
/* Sends one read. An unusable answer drops the connection, and then there is no callback. */
void reader_start(struct group_reader *reader);
/* To be called linger_ms after a read that left the reader lingering. */
void reader_end_linger(struct group_reader *reader);
/* Ignores the reply to a read in flight; only on_idle is called. */
void reader_cancel(struct group_reader *reader);

#endif
