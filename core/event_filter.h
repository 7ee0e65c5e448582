/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which events of its kinds a channel wants: lists of words. An event must match each list. As
 * JSON: {"outcome":["error"],"resource":["web-*"],"template":["node"],"reason":["ttl_expired"],
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
#define EVENT_FILTER_RULES     5

/* All zero: every event passes. */
struct event_filter {
	struct event_filter_rule {
		size_t count;                             /* 0: no such rule */
		struct str words[EVENT_FILTER_MAX_WORDS]; /* text of the tree that was read */
	} rules[EVENT_FILTER_RULES];
};

/* Reads an object, whose tree must outlive the filter. An object without rules lets everything
 * pass. 0, or -EINVAL with the fault in *why. */
int event_filter_read(const cJSON *object, struct event_filter *out, struct reason *why) must_check;

/* A further check, for requests only: a * that would match only itself is refused. 0, or -EINVAL
 * with *why. */
int event_filter_check(const struct event_filter *filter, struct reason *why) must_check;

/* The name of the first rule that the event does not match, such as "outcome"; NULL when it
 * passes. */
const char *event_filter_refusal(const struct event_filter *filter, const struct event *event);

#endif
