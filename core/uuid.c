/* SPDX-License-Identifier: Apache-2.0 */

/*
 * UUIDs: 122 random bits, a hash of a name, or an entry of the stream and a hash, then version and
 * variant stamped over them. Parsing is strict; nothing else can fail.
 */
#include "core/uuid.h"

#include <assert.h>
#include <errno.h>

#include "core/crypto.h"

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

#define NAME_PIECES_MAX 8

void uuid_v5_of_pieces(const struct uuid *space, const struct str *name, size_t count,
		       struct uuid *out)
{
	uint8_t hash[SHA1_SIZE];
	struct str pieces[1 + NAME_PIECES_MAX] = { { .at = (const char *)space->bytes,
						     .len = sizeof(space->bytes) } };

	assert(count <= NAME_PIECES_MAX);
	memcpy(pieces + 1, name, count * sizeof(*name));
	crypto_sha1(pieces, 1 + count, hash);
	memcpy(out->bytes, hash, sizeof(out->bytes));
	stamp(out, 5);
}

void uuid_v5(const struct uuid *space, struct str name, struct uuid *out)
{
	uuid_v5_of_pieces(space, &name, 1, out);
}

void uuid_v8(struct stream_id entry, const struct uuid *space, struct str name, struct uuid *out)
{
	const uint64_t last_ms = (UINT64_C(1) << 48) - 1;
	uint64_t ms = entry.ms < last_ms ? entry.ms : last_ms;
	unsigned seq = (unsigned)(entry.seq < UUID_MAX_SEQ ? entry.seq : UUID_MAX_SEQ);
	uint8_t hash[SHA256_SIZE];
	char whole[sizeof(space->bytes) + UUID_MAX_NAME];

	assert(name.len <= UUID_MAX_NAME);
	memcpy(whole, space->bytes, sizeof(space->bytes));
	memcpy(whole + sizeof(space->bytes), name.at, name.len);
	crypto_sha256((struct str){ .at = whole, .len = sizeof(space->bytes) + name.len }, hash);
	for (size_t i = 0; i < 6; i++)
		out->bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	out->bytes[6] = (uint8_t)(seq >> 14);
	out->bytes[7] = (uint8_t)(seq >> 6);
	out->bytes[8] = (uint8_t)(seq & 0x3fu);
	memcpy(out->bytes + 9, hash, sizeof(out->bytes) - 9);
	stamp(out, 8);
}

struct stream_id uuid_v8_entry(const struct uuid *id)
{
	struct stream_id entry = { .seq = (uint64_t)(id->bytes[6] & 0x0fu) << 14 |
					  (uint64_t)id->bytes[7] << 6 | (id->bytes[8] & 0x3fu) };

	for (size_t i = 0; i < 6; i++)
		entry.ms = entry.ms << 8 | id->bytes[i];
	return entry;
}

/* These bytes have a hyphen before them. */
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
