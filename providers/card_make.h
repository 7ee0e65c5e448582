/* SPDX-License-Identifier: Apache-2.0 */

/* From a message to a card. Nothing here depends on a vendor. */
#ifndef PROVIDERS_CARD_MAKE_H
#define PROVIDERS_CARD_MAKE_H

#include "core/attributes.h"
#include "providers/card.h"

/* Initialises and fills *card. 0, -EINVAL when the message is neither event nor digest, -E2BIG,
 * -ENOMEM. card_done() is needed even after a failure. */
int card_make(struct card *card, const struct message *message) must_check;

#endif
