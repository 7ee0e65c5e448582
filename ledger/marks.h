/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Earlier events, in the table `accepts` under (team, subject, name), with the newest time only:
 *
 *   mark of                              subject               name
 *   an accepted request of a user/key    the capsule           "capsule.pause"
 *   a system event that notified         resource and content  "repeat capsule.pause"
 *
 * Marks of the first kind find follow-ups (contract a.7), the others exact repeats (W39). The
 * marks of one batch are gathered, read in one round, used in stream order, and written in one
 * round.
 */
#ifndef LEDGER_MARKS_H
#define LEDGER_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/event.h"
#include "store/store.h"

#define MARK_BUCKETS 1024

struct mark {
	struct uuid team;
	struct uuid subject;
	char name[48];
	bool is_wanted;  /* read it from the store */
	bool is_changed; /* write it */
	bool is_stored;
	int64_t stored_us;
	int64_t seen_us; /* in this batch so far; INT64_MIN: not yet */
	size_t next;     /* the next in its bucket, counted from 1; 0: none */
};

struct marks {
	struct mark *all;
	size_t count;
	size_t cap;
	size_t buckets[MARK_BUCKETS]; /* the first of each, counted from 1; 0: none */
};

/* Room for two marks per event; 0 or -ENOMEM. */
int marks_init(struct marks *marks, size_t events) must_check;
void marks_done(struct marks *marks);
/* Forgets all marks, keeps the memory. */
void marks_reset(struct marks *marks);

/* True for a capsule verb that a user or key asked for and that was accepted. Pure. */
bool event_is_accept(const struct event *event);
/* True for a capsule verb that the system reports without a reason: a follow-up, if somebody
 * asked. Pure. */
bool event_may_follow_up(const struct event *event);
/* True for a capsule verb that the system ends, well or not. Pure. */
bool event_may_complete(const struct event *event);
/* True for a system event, which may repeat an earlier one exactly. Our own notices do not: two
 * rules may miss the same event. Pure. */
bool event_may_repeat(const struct event *event);

/* Makes the marks that this event will read or write. */
void marks_gather(struct marks *marks, const struct event *event);

/* Reads the wanted marks. Pipelined; complete after the caller's db_flush(). */
int marks_read(struct marks *marks, struct db *db) must_check;

/* In stream order, after marks_read(): */
void marks_see_accept(struct marks *marks, const struct event *event);
bool marks_has_accept(const struct marks *marks, const struct event *event);
/* When the request that this event ends was accepted; 0: nobody asked, or it is unknown. */
int64_t marks_accept_us(const struct marks *marks, const struct event *event);
/* True when the event repeats an earlier one. Otherwise later events are compared with this one. */
bool marks_see_repeat(struct marks *marks, const struct event *event);
/* True when a later mark has replaced the one that would have decided this event. */
bool marks_have_moved_on(const struct marks *marks, const struct event *event);

/* Writes the changed marks. Pipelined. */
int marks_write(const struct marks *marks, struct db *db) must_check;

#endif
