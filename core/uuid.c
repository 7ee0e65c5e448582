/* SPDX-License-Identifier: Apache-2.0 */

/*
 * UUIDs: 122 random bits or a SHA-1 of a name, then version and variant stamped over them.
 * Parsing is strict; nothing else can fail.
 */
#include "core/uuid.h"

#include <errno.h>

#include "core/digest.h"

static void stamp(struct uuid *id, unsigned version)
{
	id->bytes[6] = (uint8_t)((id->bytes[6] & 0x0fu) | version << 4);
	id->bytes[8] = (uint8_t)((id->bytes[8] & 0x3fu) | 0x80u);
}

void uuid_v4(struct uuid *out)
{
	random_bytes(out->bytes, sizeof(out->bytes));
	stamp(out, 4);
}

void uuid_v5(const struct uuid *space, struct str name, struct uuid *out)
{
	uint8_t digest[SHA1_SIZE];
	struct str first = { .at = (const char *)space->bytes, .len = sizeof(space->bytes) };

	digest_sha1(first, name, digest);
	memcpy(out->bytes, digest, sizeof(out->bytes));
	stamp(out, 5);
}

/* A hyphen stands before these bytes. */
static bool starts_group(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void uuid_format(const struct uuid *id, char out[UUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(id->bytes); i++) {
		if (starts_group(i))
			*out++ = '-';
		*out++ = digits[id->bytes[i] >> 4];
		*out++ = digits[id->bytes[i] & 15];
	}
	*out = '\0';
}

int uuid_parse(struct str text, struct uuid *out)
{
	struct uuid id;
	const char *at = text.at;

	if (text.len != UUID_TEXT_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(id.bytes); i++) {
		if (starts_group(i) && *at++ != '-')
			return -EINVAL;
		int high = hex_value(at[0]);
		int low = hex_value(at[1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		id.bytes[i] = (uint8_t)(high << 4 | low);
		at += 2;
	}
	*out = id;
	return 0;
}

bool uuid_is_zero(const struct uuid *id)
{
	static const struct uuid zero;

	return uuid_eq(id, &zero);
}

/* The multiplications spread each input bit over the word (the finishing step of MurmurHash3). */
uint64_t uuid_hash(const struct uuid *id)
{
	uint64_t word;

	memcpy(&word, id->bytes + 8, sizeof(word));
	word ^= word >> 33;
	word *= 0xff51afd7ed558ccdu;
	word ^= word >> 33;
	word *= 0xc4ceb9fe1a85ec53u;
	word ^= word >> 33;
	return word;
}
