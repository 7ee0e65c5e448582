/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the entries of the stream from replies of Redis. Private to bus/. Only the event is a copy;
 * the rest points into the reply.
 */
#ifndef BUS_ENTRY_H
#define BUS_ENTRY_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "core/attributes.h"
#include "core/event.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/stream_id.h"

enum entry_fate {
	ENTRY_SHOWN,      /* a durable event of a known kind, about a resource */
	ENTRY_IGNORED,    /* of unknown kind, about no resource, or not durable; counted */
	ENTRY_TRIMMED,    /* only its id is left */
	ENTRY_NO_PAYLOAD, /* it has no field of that name */
	ENTRY_UNREADABLE  /* the parser refused the payload; `why` says why */
};

struct entry {
	struct stream_id id;
	enum entry_fate fate;
	struct event *event;      /* SHOWN only; the caller owns this reference */
	const redisReply *fields; /* NULL when TRIMMED */
	struct reason why;
};

/* Reads one element of an entry list. 0, -EBADMSG when it is not an entry, or -ENOMEM. Counts
 * ignored entries, and warns once of each unknown kind. */
int entry_read(const redisReply *reply, struct entry *out) must_check;
/* The same, but an event of another team is IGNORED, usually without being parsed. */
int entry_read_of_team(const redisReply *reply, struct str team, struct entry *out) must_check;

/* The value of the field `payload`; `at` is NULL when there is none. */
struct str entry_payload(const redisReply *fields);

/* Finds the list of entries in a reply to XREAD or XREADGROUP on one stream; NULL when there are no
 * entries. -EBADMSG when the reply is malformed. */
int entry_list(const redisReply *reply, const redisReply **out) must_check;

#endif
