/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A message before any vendor's markup: a title, a tone, facts and a link, cleaned but neither cut
 * nor escaped. Events and digests (and the test notification) all become one of these.
 */
#ifndef PROVIDERS_CARD_H
#define PROVIDERS_CARD_H

#include "providers/text.h"

#define CARD_MAX_FIELDS 8
#define CARD_MAX_LINES  (DIGEST_MAX_GROUPS + DIGEST_MAX_FAILURES + 2)
#define CARD_MAX_PARTS  48

enum card_tone { TONE_NEUTRAL, TONE_GOOD, TONE_WARNING, TONE_BAD };

struct card_field {
	const char *label; /* "Event" */
	const char *what;  /* "event": the name of a cut */
	struct text_value value;
};

struct card {
	struct text_value title;
	enum card_tone tone;
	size_t field_count; /* Event, Outcome, Resource, Actor, Team, Time, Error, Reason; of a
			     * digest Team, From, To. Only those there are; no value is empty. */
	struct card_field fields[CARD_MAX_FIELDS];
	size_t line_count; /* of a digest: how many of what, then the failures; else 0 */
	struct text_value lines[CARD_MAX_LINES];
	struct str link;      /* absolute and percent-encoded after its base, or empty */
	struct str reference; /* the event's id in the stream, so that a repeat can be told; or
			       * empty */
	struct str time;      /* RFC 3339, only when it can be read; else empty */

	size_t part_count;
	struct buf parts[CARD_MAX_PARTS]; /* the memory that all slices point into */
};

/* Initialises and fills *card. 0, -EINVAL when the message is neither event nor digest, -E2BIG,
 * -ENOMEM. card_done() is needed whatever comes back. */
int card_make(struct card *card, const struct message *message) must_check;
void card_done(struct card *card);

/* The field of that label, or NULL. */
const struct card_field *card_field_find(const struct card *card, const char *label);

/* Appends the plain text of contract d.5, of a digest likewise, escaped by the rule. The link, if
 * any, is the last line. Values are cut at the rule's cap each. */
void card_write_text(struct buf *out, const struct card *card, const struct text_rule *rule);

/* The lines of a digest, one below the other, in at most `max` units: what does not fit any more is
 * left out from the end. */
void card_write_lines(struct buf *out, const struct card *card, const struct text_rule *rule,
		      size_t max);

/* How a provider's body is made to fit. */
struct card_sketch {
	/* Draws the whole body into an empty buffer, no value longer than rule->cap. */
	void (*draw)(struct buf *body, const struct card *card, const struct text_rule *rule);
	/* The size by which a drawn body is judged. */
	size_t (*size)(struct str body);
	size_t limit;
};

/* Draws into `body` (empty) with smaller and smaller caps, from rule->cap (usually SIZE_MAX) on,
 * until it fits. rule->trims then says what was cut in that drawing. 0, -E2BIG, -ENOMEM. */
int card_fit(struct buf *body, const struct card *card, const struct text_rule *rule,
	     const struct card_sketch *sketch) must_check;

#endif
