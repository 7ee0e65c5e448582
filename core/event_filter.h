/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a channel wants of the kinds that it names: lists of words, all of which must hold. As JSON:
 * {"outcome":["error"],"resource":["web-*"],"template":["node"],"reason":["ttl_expired"],
 * "actor.type":["user"]}.
 */
#ifndef CORE_EVENT_FILTER_H
#define CORE_EVENT_FILTER_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/event.h"
#include "core/json.h"

#define EVENT_FILTER_MAX_WORDS 16  /* of one rule */
#define EVENT_FILTER_MAX_WORD  256 /* bytes */
#define EVENT_FILTER_MAX_BYTES 32768
#define EVENT_FILTER_RULES     5

/* All zero: every event passes. */
struct event_filter {
	cJSON *tree; /* owns the words; NULL: they are somebody else's */
	struct event_filter_rule {
		size_t count; /* 0: no such rule */
		struct str words[EVENT_FILTER_MAX_WORDS];
	} rules[EVENT_FILTER_RULES];
};

/* Reads an object, whose tree must outlive the filter. An object without rules lets everything
 * pass. 0, or -EINVAL with the fault in *why. */
int event_filter_read(const cJSON *object, struct event_filter *out, struct reason *why) must_check;

/* Makes a filter of the text that event_filter_write() wrote. 0, -EINVAL, -ENOMEM. */
int event_filter_open(struct str json, struct event_filter **out) must_check;
void event_filter_close(struct event_filter *filter); /* accepts NULL */

bool event_filter_is_empty(const struct event_filter *filter);

/* Appends it as JSON. */
void event_filter_write(struct buf *out, const struct event_filter *filter);

/* The name of the first rule that does not hold, "outcome"; NULL when the event passes, as every
 * event does without a filter (NULL). */
const char *event_filter_refusal(const struct event_filter *filter, const struct event *event);

#endif
