/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Public identifiers. 36^25 is a little more than 2^128, so some texts of the right shape are too
 * large for a UUID; the range check refuses them before they wrap around.
 */
#include "core/id.h"

#include <assert.h>
#include <errno.h>

#define BASE 36
/* Dividing 128 bits is slow, so digits are made from 64 bits: BASE to the power of CHUNK_DIGITS. */
#define CHUNK        UINT64_C(4738381338321616896)
#define CHUNK_DIGITS 12

static const char digits[BASE + 1] = "0123456789abcdefghijklmnopqrstuvwxyz";

static const struct str prefixes[ID_KINDS] = {
	[ID_CAPSULE] = STR("cl-"), [ID_TEAM] = STR("team-"), [ID_USER] = STR("usr-"),
	[ID_KEY] = STR("key-"),    [ID_HOST] = STR("host-"), [ID_CHANNEL] = STR("ch-"),
	[ID_AUDIT] = STR("log-"),
};

void id_format(enum id_kind kind, const struct uuid *id, char out[ID_TEXT_SIZE])
{
	unsigned __int128 number = 0;

	assert(kind < ID_KINDS);
	for (size_t i = 0; i < sizeof(id->bytes); i++)
		number = number << 8 | id->bytes[i];
	memcpy(out, prefixes[kind].at, prefixes[kind].len);
	out += prefixes[kind].len;
	for (size_t i = ID_DIGITS; i > 0; number /= CHUNK) {
		uint64_t chunk = (uint64_t)(number % CHUNK);

		for (unsigned n = 0; n < CHUNK_DIGITS && i > 0; n++, chunk /= BASE)
			out[--i] = digits[chunk % BASE];
	}
	out[ID_DIGITS] = '\0';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	return -1;
}

int id_parse(enum id_kind kind, struct str text, struct uuid *out)
{
	const unsigned __int128 most = ~(unsigned __int128)0;
	unsigned __int128 number = 0;

	assert(kind < ID_KINDS);
	if (text.len != prefixes[kind].len + ID_DIGITS || !str_starts(text, prefixes[kind]))
		return -EINVAL;
	for (size_t i = prefixes[kind].len; i < text.len; i++) {
		int value = digit_value(text.at[i]);

		if (value < 0 || number > most / BASE || number * BASE > most - (unsigned)value)
			return -EINVAL;
		number = number * BASE + (unsigned)value;
	}
	for (size_t i = sizeof(out->bytes); i-- > 0; number >>= 8)
		out->bytes[i] = (uint8_t)(number & 0xff);
	return 0;
}
