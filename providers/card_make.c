/* SPDX-License-Identifier: Apache-2.0 */

/* Every slice of a card points into one of its own parts, so the message may be freed before it. */
#include "providers/card_make.h"

#include <errno.h>

#include "providers/card_parts.h"

int card_make(struct card *card, const struct message *message)
{
	const struct str none = STR("");

	card->title = (struct card_title){ none, none, none, none };
	card->tone = TONE_NEUTRAL;
	card->status = NULL;
	card->link = none;
	card->footer = none;
	card->time_us = 0;
	card->field_count = card->line_count = card->part_count = 0;
	if (message->event)
		card_make_from_event(card, message);
	else if (message->digest)
		card_make_from_digest(card, message);
	else
		return -EINVAL;
	for (size_t i = 0; i < card->part_count; i++) {
		if (card->parts[i].err)
			return card->parts[i].err;
	}
	return 0;
}
