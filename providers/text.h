/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Puts user text into a vendor's markup: cleans, cuts in the vendor's unit, and escapes, in this
 * order. The cut falls between grapheme clusters (core/utf8.h) and never inside an escape.
 */
#ifndef PROVIDERS_TEXT_H
#define PROVIDERS_TEXT_H

#include "core/buf.h"
#include "providers/message.h"

enum text_unit { UNIT_BYTES, UNIT_CODE_POINTS, UNIT_UTF16 };

/* Appends the escape of the first code point of `rest` (valid UTF-8, not empty) and returns how
 * many bytes of `rest` it used. It may read further bytes. */
typedef size_t (*text_escape_fn)(struct buf *out, struct str rest);

size_t text_escape_none(struct buf *out, struct str rest);
size_t text_escape_html(struct buf *out, struct str rest); /* & < > " ' as entities */
size_t text_escape_amp(struct buf *out, struct str rest);  /* & < > only */

/* How a provider's texts are escaped and cut. */
struct text_rule {
	enum text_unit unit;
	bool counts_escaped; /* sizes count the escaped text, not the raw one */
	text_escape_fn escape;
	size_t cap;          /* no value is longer than this, whatever its own limit */
	struct trims *trims; /* or NULL */
};

/* A value of which only the head may be cut: "name" and " (id)". Both clean (text_clean). */
struct text_value {
	struct str head;
	struct str tail;
};

size_t text_size(struct str text, enum text_unit unit);

/* Appends `raw` on one line, cleaned as utf8_clean() does. */
void text_clean(struct buf *out, struct str raw);

/* Appends the value escaped, in at most `max` units (and at most rule->cap). A cut is marked with
 * U+2026 and recorded under `what`, a constant. If the tail is longer than the room, it is cut,
 * too. */
void text_add(struct buf *out, const struct text_rule *rule, const char *what,
	      struct text_value value, size_t max);

/* Appends without cleaning or cutting: for our own words. */
void text_add_escaped(struct buf *out, text_escape_fn escape, struct str text);

#endif
