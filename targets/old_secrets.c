/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads, changes and writes the list of old secrets. A damaged entry is skipped and does not
 * spoil the others. Every decrypted secret is wiped.
 */
#include "targets/old_secrets.h"

#include <errno.h>
#include <string.h>

#include "targets/seal.h"

static void wipe(struct buf *secret)
{
	if (secret->bytes)
		explicit_bzero(secret->bytes, secret->cap);
	buf_done(secret);
}

static void add(struct old_secrets *out, struct str entry, int64_t until_us,
		const uint8_t key[SEAL_KEY_SIZE])
{
	struct buf *opened = &out->opened[out->count];

	buf_init(opened, CONFIG_MAX_VALUE);
	if (setting_open(opened, entry, key) < 0) {
		wipe(opened);
		return;
	}
	out->values[out->count] = buf_str(opened);
	out->until_us[out->count++] = until_us;
}

void old_secrets_open(struct old_secrets *out, const struct stored_secrets *stored, int64_t now_us,
		      const uint8_t key[SEAL_KEY_SIZE])
{
	struct str rest = stored->text;

	*out = (struct old_secrets){ .count = 0 };
	while (rest.len && out->count < ATTEMPT_OLD_SECRETS) {
		struct str until = str_cut(&rest, ' ');
		struct str entry = str_cut(&until, '@');
		unsigned long long until_us = (unsigned long long)stored->until_us;

		if (until.at && !str_to_u64(until, &until_us))
			continue;
		if (until_us > (unsigned long long)now_us && until_us <= INT64_MAX)
			add(out, entry, (int64_t)until_us, key);
	}
}

void old_secrets_done(struct old_secrets *secrets)
{
	for (size_t i = 0; i < ATTEMPT_OLD_SECRETS; i++)
		wipe(&secrets->opened[i]);
	secrets->count = 0;
}

void old_secrets_push(struct old_secrets *secrets, struct str replaced, int64_t until_us,
		      struct str now)
{
	size_t kept = 1;
	struct old_secrets before = *secrets;

	secrets->values[0] = replaced;
	secrets->until_us[0] = until_us;
	for (size_t i = 0; i < before.count && kept < ATTEMPT_OLD_SECRETS; i++) {
		if (str_eq(before.values[i], now) || str_eq(before.values[i], replaced))
			continue;
		secrets->values[kept] = before.values[i];
		secrets->until_us[kept++] = before.until_us[i];
	}
	secrets->count = kept;
}

void old_secrets_seal(struct buf *out, const struct old_secrets *secrets,
		      const uint8_t key[SEAL_KEY_SIZE])
{
	for (size_t i = 0; i < secrets->count; i++) {
		if (i)
			buf_add_char(out, ' ');
		setting_seal(out, secrets->values[i], key);
		buf_add_char(out, '@');
		buf_add_i64(out, secrets->until_us[i]);
	}
}
