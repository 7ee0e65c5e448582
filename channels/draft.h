/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The body of a request that makes, changes or tests a channel: parsed and checked (contract c.2,
 * c.3), except for checks that need the network or the store.
 */
#ifndef CHANNELS_DRAFT_H
#define CHANNELS_DRAFT_H

#include <cjson/cJSON.h>

#include "core/attributes.h"
#include "core/channel_options.h"
#include "core/event.h"
#include "core/reason.h"
#include "core/str.h"
#include "providers/provider.h"

#define CHANNEL_NAME_SIZE   65 /* 64 characters and a NUL */
#define CHANNEL_MAX_EVENTS  32 /* more kinds than we know: a newer control plane may know more */
#define CHANNEL_SECRET_SIZE 65 /* a generated secret: 64 digits and a NUL */

/* Which members of the body are read. With DRAFT_CONFIG but without DRAFT_PROVIDER only the shape
 * of `config` is checked, because only the store knows the provider; draft_take_config()
 * follows. */
enum draft_part {
	DRAFT_NAME = 1,
	DRAFT_PROVIDER = 2,
	DRAFT_EVENTS = 4,
	DRAFT_CONFIG = 8,
	DRAFT_OPTIONS = 32, /* each may be absent */
	DRAFT_WHOLE = 15 | DRAFT_OPTIONS,
	/* Unknown kinds pass. The store knows whether the channel has them already. */
	DRAFT_UNKNOWN_EVENTS = 16
};

struct draft {
	cJSON *tree; /* the whole body; owns the text of the config */
	char name[CHANNEL_NAME_SIZE];
	const struct provider *provider;
	size_t event_count;
	struct str events[CHANNEL_MAX_EVENTS]; /* text of the tree */
	struct channel_options options;        /* those of the body; text of the tree */
	struct provider_config config;         /* the provider's own fields; values are secrets */
	char secret[CHANNEL_SECRET_SIZE];      /* a generated one; config may point at it */
};

/* Does those of the steps 1 to 5 and 7 of c.3 that the parts need, in that order. 0; -ENOMEM;
 * -EINVAL with *why, whose field is empty for a body of the wrong shape. draft_done() is needed
 * after 0 only. The draft must not be moved. */
int draft_parse(struct str body, unsigned parts, struct draft *out, struct reason *why) must_check;

/* Steps 5 and 7 for this provider. A signing provider that is not given a secret keeps the
 * `stored` one (NULL: none is known), whose text must outlive the draft. 0, or -EINVAL with
 * *why. */
int draft_take_config(struct draft *draft, const struct provider *provider,
		      const struct provider_config *stored, struct reason *why) must_check;

/* True when the provider signs its requests, so that a channel without a secret can never work. */
bool provider_signs(const struct provider *provider);

/* Wipes and frees. */
void draft_done(struct draft *draft);

/* Trims the name, lowers it and turns spaces into hyphens. False when the result is not a legal
 * name. */
bool channel_name_clean(struct str raw, char out[CHANNEL_NAME_SIZE]) must_check;

/* Generates a secret when the provider signs and the client sent none. */
void draft_complete_secret(struct draft *draft);

#endif
