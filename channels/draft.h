/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a client asks for when it makes a channel, read and checked (contract c.2, c.3) but for what
 * needs the network or the store.
 */
#ifndef CHANNELS_DRAFT_H
#define CHANNELS_DRAFT_H

#include <cjson/cJSON.h>

#include "core/attributes.h"
#include "core/event.h"
#include "core/reason.h"
#include "core/str.h"
#include "providers/provider.h"

#define CHANNEL_NAME_SIZE   65 /* 64 characters and a NUL */
#define CHANNEL_MAX_EVENTS  8  /* the kinds there are to subscribe to */
#define CHANNEL_SECRET_SIZE 65 /* a generated secret: 64 digits and a NUL */

struct draft {
	cJSON *tree; /* owns the text of the config */
	char name[CHANNEL_NAME_SIZE];
	const struct provider *provider;
	size_t event_count;
	struct str events[CHANNEL_MAX_EVENTS]; /* constants */
	struct provider_config config;         /* the provider's own fields; values are secrets */
	char secret[CHANNEL_SECRET_SIZE];      /* a generated one; config may point at it */
};

/* Steps 1 to 5 and 7 of c.3, in that order. 0; -EINVAL with *why, its field empty for a
 * body of the wrong shape; -ENOMEM. draft_done() is needed after 0 only. The draft must not be
 * moved. */
int draft_parse(struct str body, struct draft *out, struct reason *why) must_check;

/* Wipes and frees. */
void draft_done(struct draft *draft);

/* Trims, lowers, puts hyphens for spaces. False when no legal name comes out. */
bool channel_name_clean(struct str raw, char out[CHANNEL_NAME_SIZE]) must_check;

/* The provider signs with a secret and the client brought none: makes one up. */
void draft_complete_secret(struct draft *draft);

#endif
