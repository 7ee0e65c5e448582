/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The part of a destination's answer that its channel's owner may see. What a destination sends back
 * may repeat what it was sent, whole or in pieces and in a spelling of its own; then nothing of it
 * is kept. Pure.
 */
#ifndef DELIVERY_EXCERPT_H
#define DELIVERY_EXCERPT_H

#include "core/buf.h"
#include "core/str.h"
#include "providers/provider.h"

#define EXCERPT_MAX 900 /* bytes; leaves room in 1 KiB for the sentence before it */

/* In clear: what must not be kept. */
struct excerpt_secrets {
	const struct provider_config *config;
	const struct str *old_secrets;
	size_t old_secret_count;
};

/* Appends ": " and the excerpt, or nothing. */
void excerpt_add(struct buf *out, struct str answer, const struct excerpt_secrets *secrets);

#endif
