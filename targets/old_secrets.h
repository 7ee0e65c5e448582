/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The secrets of a webhook before its last rotations. Each stays valid for the time its owner
 * gave it. They are kept in channel_state.old_secret, newest first, as "<sealed>@<until in
 * microseconds>", one space between two. Older versions wrote the first one without "@...". Then
 * its end is in old_secret_until.
 */
#ifndef TARGETS_OLD_SECRETS_H
#define TARGETS_OLD_SECRETS_H

#include "core/attributes.h"
#include "core/buf.h"
#include "core/crypto.h"
#include "core/str.h"
#include "providers/provider.h"

/* Decrypted; old_secrets_done() wipes them. */
struct old_secrets {
	size_t count;
	struct str values[ATTEMPT_OLD_SECRETS]; /* newest first */
	int64_t until_us[ATTEMPT_OLD_SECRETS];
	struct buf opened[ATTEMPT_OLD_SECRETS];
};

/* As stored: the columns old_secret and old_secret_until. */
struct stored_secrets {
	struct str text;
	int64_t until_us;
};

/* Decrypts the secrets that are still valid. Skips a secret that does not decrypt, because the
 * current one can still sign. */
void old_secrets_open(struct old_secrets *out, const struct stored_secrets *stored, int64_t now_us,
		      const uint8_t key[SEAL_KEY_SIZE]);
void old_secrets_done(struct old_secrets *secrets);

/* `now` replaces a secret: puts the replaced one in front, valid until `until_us`. Drops `now`
 * from the list if it was an old secret, and the oldest secret if the list is full. The text of
 * `replaced` must stay valid until old_secrets_done(). */
void old_secrets_push(struct old_secrets *secrets, struct str replaced, int64_t until_us,
		      struct str now);

/* Appends the text for the column; nothing when the list is empty. A failure sticks in out->err. */
void old_secrets_seal(struct buf *out, const struct old_secrets *secrets,
		      const uint8_t key[SEAL_KEY_SIZE]);

#endif
