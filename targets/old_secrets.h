/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The secrets of a webhook before the last replacements, each for the time its owner gave it.
 * They are kept in channel_state.old_secret, newest first, as "<sealed>@<until in microseconds>",
 * one space between two. The first may lack its "@...", as older versions wrote it: then
 * old_secret_until says until when.
 */
#ifndef TARGETS_OLD_SECRETS_H
#define TARGETS_OLD_SECRETS_H

#include "core/attributes.h"
#include "core/buf.h"
#include "core/digest.h"
#include "core/str.h"
#include "providers/provider.h"

/* In clear; old_secrets_done() wipes them. */
struct old_secrets {
	size_t count;
	struct str values[ATTEMPT_OLD_SECRETS]; /* newest first */
	int64_t until_us[ATTEMPT_OLD_SECRETS];
	struct buf opened[ATTEMPT_OLD_SECRETS];
};

/* As stored: the column's text, and old_secret_until. */
struct stored_secrets {
	struct str text;
	int64_t until_us;
};

/* Those that are still valid and open under the key: one that does not is no reason to send
 * nothing. */
void old_secrets_open(struct old_secrets *out, const struct stored_secrets *stored, int64_t now_us,
		      const uint8_t key[SEAL_KEY_SIZE]);
void old_secrets_done(struct old_secrets *secrets);

/* A secret was replaced by `now`: puts it in front, until then. `now` itself is no old one any
 * more, even if it was one. Of more than there is room for the oldest goes. The text must stay
 * until the end. */
void old_secrets_push(struct old_secrets *secrets, struct str replaced, int64_t until_us,
		      struct str now);

/* Appends the column's text: nothing when there is none. A failure sticks in out->err. */
void old_secrets_seal(struct buf *out, const struct old_secrets *secrets,
		      const uint8_t key[SEAL_KEY_SIZE]);

#endif
