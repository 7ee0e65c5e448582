/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What Redis says about the stream, read defensively: entries, and the shapes around them. Private
 * to bus/. Nothing is copied but the event; the rest points into the reply.
 */
#ifndef BUS_ENTRY_H
#define BUS_ENTRY_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "bus/counters.h"
#include "core/attributes.h"
#include "core/event.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/stream_id.h"

enum entry_fate {
	ENTRY_SHOWN,      /* a durable event of known kind, about something */
	ENTRY_IGNORED,    /* unknown kind, the zero capsule, not durable; counted */
	ENTRY_TRIMMED,    /* its id is all that is left */
	ENTRY_NO_PAYLOAD, /* no field of that name */
	ENTRY_UNREADABLE  /* the payload is refused; `why` says why */
};

struct entry {
	struct stream_id id;
	enum entry_fate fate;
	struct event *event;      /* SHOWN only; one reference, the reader's to drop */
	const redisReply *fields; /* NULL when TRIMMED */
	struct reason why;
};

/* One element of an entry list. 0; -EBADMSG when it is none; -ENOMEM. Counts what it ignores, and warns
 * once of each kind it does not know. */
int entry_read(const redisReply *reply, struct entry *out) must_check;

/* The value of the field `payload`; `at` is NULL when there is none. */
struct str entry_payload(const redisReply *fields);

/* The reply of XREAD and XREADGROUP on one stream: the list of its entries, or NULL when nothing
 * came. -EBADMSG when it is neither. */
int entry_list(const redisReply *reply, const redisReply **out) must_check;

/* A string or a status; `at` is NULL for anything else. Accepts NULL. */
struct str reply_text(const redisReply *reply);

/* Element i, or NULL when there is none. Accepts NULL and what is no array. */
const redisReply *reply_element(const redisReply *reply, size_t i);

/* The value behind `name` in a flat list of names and values, or NULL. */
const redisReply *reply_find(const redisReply *reply, const char *name);

/* An error whose first word is `code`. */
bool reply_is_error(const redisReply *reply, const char *code);

/* The number, or `otherwise` when it is none or negative. */
uint64_t reply_number(const redisReply *reply, uint64_t otherwise);

#endif
