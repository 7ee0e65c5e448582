/* SPDX-License-Identifier: Apache-2.0 */

/* The words that messages use for kinds of events, for reasons, and for spans of time. */
#ifndef PROVIDERS_WORDS_H
#define PROVIDERS_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"

/* The pieces of a sentence. "Capsule " <id> " created", or " failed to start". */
struct kind_words {
	const char *lead; /* NULL: this kind has no words, and all other members are NULL */
	const char *done; /* when it succeeded, or has no outcome */
	const char *failed;
	const char *requested;  /* when it was accepted and is not finished; NULL: `done` */
	const char *one, *many; /* "capsule", "capsules" */
	const char *many_done;  /* "48 capsules" " created" */
	const char *page;       /* where a link leads; NULL: nowhere */
};

const struct kind_words *words_of_kind(enum event_kind kind);

/* True for a kind whose success is completed later. */
bool words_are_of_request(const struct event *event);

/* The result as the end of a sentence: " created", ": start requested", " failed to start". Empty
 * for a kind without words. */
const char *words_of_outcome(const struct event *event);

/* The words of a kind that is about such a resource, for its lead and page. Both are empty for a
 * type that we do not know. */
const struct kind_words *words_of_resource(struct str type);

/* A reason's code in words that end a sentence after a colon. The empty slice for unknown codes,
 * and for those that add nothing to the sentence. */
struct str words_of_reason(struct str code);

#define WORDS_SPAN_SIZE 48
/* "45 s", "3 min 12 s", "2 h 5 min", "3 d 4 h". `us` is not negative. */
void words_of_span(int64_t us, char out[WORDS_SPAN_SIZE]);

/* "2026-05-24 05:02:08 UTC" */
#define WORDS_TIME_SIZE 40
void words_of_time(int64_t us, char out[WORDS_TIME_SIZE]);

#endif
