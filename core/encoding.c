/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Hexadecimal and base64 (RFC 4648 sections 8 and 4). Reading is strict: no white space, no
 * missing padding, no stray bits after the last byte; so one text has one meaning.
 */
#include "core/crypto.h"

int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void hex_encode(const void *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[from[i] >> 4];
		*out++ = digits[from[i] & 15];
	}
	*out = '\0';
}

bool hex_decode(struct str text, uint8_t *out, size_t n)
{
	if (text.len / 2 != n || text.len % 2)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (hex_value(text.at[i]) < 0)
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned high = (unsigned)hex_value(text.at[2 * i]);
		unsigned low = (unsigned)hex_value(text.at[2 * i + 1]);

		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* The 64 digits, then the padding. */
static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

void base64_encode(struct buf *out, struct str bytes)
{
	const uint8_t *from = (const uint8_t *)bytes.at;

	for (size_t left = bytes.len; left > 0;) {
		size_t n = left < 3 ? left : 3;
		uint32_t bits = (uint32_t)from[0] << 16;
		char group[4];

		if (n > 1)
			bits |= (uint32_t)from[1] << 8;
		if (n > 2)
			bits |= from[2];
		group[0] = base64_digits[bits >> 18];
		group[1] = base64_digits[bits >> 12 & 63];
		group[2] = base64_digits[n > 1 ? bits >> 6 & 63 : 64];
		group[3] = base64_digits[n > 2 ? bits & 63 : 64];
		buf_add(out, group, sizeof(group));
		from += n;
		left -= n;
	}
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Decodes four digits into one to three bytes. Only the last group may hold padding. Returns the
 * number of bytes, or 0 when the group is malformed. */
static size_t decode_group(const char *group, bool last, uint8_t out[3])
{
	size_t digits = 4;
	uint32_t bits = 0;

	if (last && group[3] == '=')
		digits = group[2] == '=' ? 2 : 3;
	for (size_t i = 0; i < 4; i++) {
		int digit = i < digits ? base64_digit(group[i]) : 0;

		if (digit < 0)
			return 0;
		bits = bits << 6 | (uint32_t)digit;
	}
	/* Bits that the padding leaves unused must be zero. */
	if ((digits == 2 && bits & 0xffff) || (digits == 3 && bits & 0xff))
		return 0;
	out[0] = (uint8_t)(bits >> 16);
	out[1] = (uint8_t)(bits >> 8);
	out[2] = (uint8_t)bits;
	return digits - 1;
}

bool base64_decode(struct buf *out, struct str text)
{
	size_t start = out->len;

	if (text.len % 4)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		uint8_t bytes[3];
		size_t n = decode_group(text.at + i, i + 4 == text.len, bytes);

		if (n == 0) {
			if (!out->err)
				out->len = start;
			return false;
		}
		buf_add(out, bytes, n);
	}
	return !out->err;
}

bool base64_decode_exact(struct str text, void *out, size_t n)
{
	uint8_t *to = out;
	size_t left = n;

	if (text.len != (n + 2) / 3 * 4)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		uint8_t bytes[3];
		size_t count = decode_group(text.at + i, i + 4 == text.len, bytes);

		if (count == 0 || count > left)
			return false;
		memcpy(to, bytes, count);
		to += count;
		left -= count;
	}
	return left == 0;
}
