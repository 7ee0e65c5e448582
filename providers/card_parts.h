/* SPDX-License-Identifier: Apache-2.0 */

/* How card_event.c and card_digest.c fill a card. Only providers/card*.c include this. Each text
 * becomes a part of the card, so the message may be freed before it. */
#ifndef PROVIDERS_CARD_PARTS_H
#define PROVIDERS_CARD_PARTS_H

#include "providers/card.h"

/* An empty part for text that is put together from pieces. */
struct buf *card_part(struct card *card);
/* One clean part out of a raw text, and out of two with a word of ours between them. */
struct str card_keep(struct card *card, struct str raw);
struct str card_join(struct card *card, struct str first, const char *between, struct str second);

/* A blank value adds nothing: vendors trim values, and refuse empty ones. */
void card_add_field(struct card *card, const char *label, const char *what,
		    struct text_value value);
void card_add_text_field(struct card *card, const char *label, const char *what, struct str raw);
/* The time in words, or the raw text when it is not a time. */
void card_add_time_field(struct card *card, const char *label, int64_t us, struct str raw);
/* "Name (id)", or the id alone. */
void card_add_team(struct card *card, struct str name, struct str id);

void card_add_line(struct card *card, struct str head, struct str tail);

/* `base` and `page` and `id`, percent-encoded. */
void card_set_link(struct card *card, struct str base, const char *page, struct str id);

void card_make_from_event(struct card *card, const struct message *message);
void card_make_from_digest(struct card *card, const struct message *message);

#endif
