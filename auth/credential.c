/* SPDX-License-Identifier: Apache-2.0 */

/* Only the hash of a credential is kept: 64 hex digits of its SHA-256. */
#include "auth/credential.h"

#include <stdlib.h>

#include "core/crypto.h"

#define KEY_DIGITS    32
#define COOKIE_DIGITS 64

static bool is_lower_hex(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!((text.at[i] >= '0' && text.at[i] <= '9') ||
		      (text.at[i] >= 'a' && text.at[i] <= 'f')))
			return false;
	return true;
}

bool key_is_well_formed(struct str key)
{
	struct str prefix = STR("wrn_");

	return key.len == prefix.len + KEY_DIGITS && str_starts(key, prefix) &&
	       is_lower_hex(str_from(key, prefix.len));
}

bool cookie_is_well_formed(struct str cookie)
{
	return cookie.len == COOKIE_DIGITS && is_lower_hex(cookie);
}

unsigned credential_bucket(const char *hash)
{
	uint8_t bytes[2];

	/* SHA-256 spreads well, so the first digits suffice. */
	if (!hex_decode((struct str){ .at = hash, .len = 4 }, bytes, sizeof(bytes)))
		abort();
	return (unsigned)(bytes[0] << 8 | bytes[1]) % CREDENTIAL_BUCKETS;
}
