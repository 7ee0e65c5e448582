/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A message before any vendor's markup: a title, a tone, facts and a link, cleaned but neither cut
 * nor escaped. Events, digests and test notifications all become a card.
 */
#ifndef PROVIDERS_CARD_H
#define PROVIDERS_CARD_H

#include "providers/text.h"

#define CARD_MAX_FIELDS 10
#define CARD_MAX_LINES  (DIGEST_MAX_GROUPS + DIGEST_MAX_FAILURES + 2)
#define CARD_MAX_PARTS  56

enum card_tone { TONE_NEUTRAL, TONE_GOOD, TONE_BAD };

/* A sentence: "Capsule " "web-7" " failed to start" ": " "no capacity on host-3". Each may be
 * empty; lead and verb are our own words, the others hold what users wrote. */
struct card_title {
	struct str lead;
	struct str name;
	struct str verb;
	struct str cause; /* without the colon */
};

struct card_field {
	const char *label; /* "Actor" */
	const char *what;  /* "actor": the name of a cut */
	struct text_value value;
	int64_t time_us; /* the same as a time, for vendors that show the reader's zone; or 0 */
};

struct card {
	struct card_title title;
	enum card_tone tone;
	const char *status; /* the tone in a word; NULL: neutral */
	/* Facts that the title does not have: Error, Reason, Resource, Template, Host, Actor, Team,
	 * Instead of, History, Time; of a digest Team, Instead of, From, To. No value is empty. */
	size_t field_count;
	struct card_field fields[CARD_MAX_FIELDS];
	size_t line_count; /* of a digest: counts by kind, then the failures; else 0 */
	struct text_value lines[CARD_MAX_LINES];
	struct str link;   /* absolute and percent-encoded after its base, or empty */
	struct str footer; /* the kind and the event's id in the stream, so that a repeat can be
			    * recognised; or empty */
	int64_t time_us;   /* 0: unknown */

	size_t part_count;
	struct buf parts[CARD_MAX_PARTS]; /* the memory that all slices point into */
};

/* Needed after card_make() (providers/card_make.h), even after a failure. */
void card_done(struct card *card);

/* Appends the title, in at most `max` units. The cause gets half of them. */
void card_write_title(struct buf *out, const struct card *card, const struct text_rule *rule,
		      size_t max);

/* The same as HTML: our own words between `open` and `close`, the others as code, in which
 * clients look for no links. */
void card_write_html_title(struct buf *out, const struct card *card, const struct text_rule *rule,
			   const char *open, const char *close);

/* Appends the plain text: the title, a blank line, and a line for each fact; escaped by the rule.
 * The link, if any, is the last line. Values are cut at the rule's cap each. */
void card_write_text(struct buf *out, const struct card *card, const struct text_rule *rule);

/* The lines of a digest, one below the other, in at most `max` units: the last lines are left out
 * if they do not fit. */
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
