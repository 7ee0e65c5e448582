/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The part of a destination's answer that the channel's owner may see. Pure.
 *
 * A destination may repeat what we sent, whole or in pieces, in another spelling. Then no excerpt
 * is kept.
 */
#ifndef DELIVERY_EXCERPT_H
#define DELIVERY_EXCERPT_H

#include "core/buf.h"
#include "core/str.h"
#include "providers/provider.h"

#define EXCERPT_MAX 900 /* bytes; leaves room in 1 KiB for the sentence before it */

/* The decrypted settings, which the excerpt must not show. */
struct excerpt_secrets {
	const struct provider_config *config;
	const struct str *old_secrets;
	size_t old_secret_count;
};

/* Appends ": " and the excerpt, or nothing. */
void excerpt_add(struct buf *out, struct str answer, const struct excerpt_secrets *secrets);

#endif
