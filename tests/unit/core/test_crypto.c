/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Hashes and sealing against published vectors (FIPS 180, RFC 4231) and those of the contract
 * (section m), then against damage.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/crypto.h"

static const uint8_t contract_key[SEAL_KEY_SIZE] = {
	0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};
static const uint8_t contract_nonce[SEAL_NONCE_SIZE] = { 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5,
							 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab };

Test(crypto_sha256_hex, agrees_with_published_values)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "wrn_00112233445566778899aabbccddeeff",
		  "34dc444d178dbba142e5e3cd3a93ada74a3fc8a376c108269f5c1d0ecde85d17" },
		{ "0000000000000000000000000000000000000000000000000000000000000000",
		  "60e05bd1b195af2f94112fa7197a5c88289058840ce7c6df9693756bc6250f55" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char hex[SHA256_HEX_SIZE];

		crypto_sha256_hex(str_of(cases[i].text), hex);
		cr_expect_str_eq(hex, cases[i].expected, "%s", cases[i].text);
	}
}

Test(crypto_sha256_hex, takes_a_slice_without_an_address_as_empty)
{
	char hex[SHA256_HEX_SIZE];

	crypto_sha256_hex((struct str){ .at = NULL, .len = 0 }, hex);
	cr_expect_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

Test(crypto_sha1, hashes_both_pieces_as_one)
{
	static const struct {
		const char *first;
		const char *second;
	} cases[] = { { "abc", "" }, { "", "abc" }, { "a", "bc" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t hash[SHA1_SIZE];
		char hex[2 * SHA1_SIZE + 1];

		const struct str pieces[] = { str_of(cases[i].first), str_of(cases[i].second) };

		crypto_sha1(pieces, ARRAY_LEN(pieces), hash);
		hex_encode(hash, sizeof(hash), hex);
		cr_expect_str_eq(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
	}
}

static void expect_hmac(struct str key, const struct str *pieces, size_t count,
			const char *expected)
{
	uint8_t mac[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];

	crypto_hmac_sha256(key, pieces, count, mac);
	hex_encode(mac, sizeof(mac), hex);
	cr_expect_str_eq(hex, expected);
}

Test(crypto_hmac_sha256, agrees_with_rfc_4231)
{
	char long_key[131];
	const struct str long_text = STR("Test Using Larger Than Block-Size Key - Hash Key First");
	const struct str jefe_text = STR("what do ya want for nothing?");

	memset(long_key, 0xaa, sizeof(long_key));
	expect_hmac(STR("Jefe"), &jefe_text, 1,
		    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	expect_hmac((struct str){ .at = long_key, .len = sizeof(long_key) }, &long_text, 1,
		    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

Test(crypto_hmac_sha256, signs_an_empty_text_with_an_empty_key)
{
	static const char expected[] =
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
	const struct str empty = { .at = NULL, .len = 0 };

	expect_hmac(empty, NULL, 0, expected);
	expect_hmac(empty, &empty, 1, expected);
}

Test(crypto_hmac_sha256, signs_pieces_as_one_text)
{
	const struct str pieces[] = {
		STR("2026-05-24T05:02:09Z"),
		STR("."),
		STR("{\"event\":\"capsule.pause\",\"outcome\":\"success\",\"timestamp\":"
		    "\"2026-05-24T05:02:08Z\",\"team_id\":\"team-0x5yg3bfyrehlas5fmd3rslxq\","
		    "\"actor\":{\"type\":\"system\"},\"resource\":{\"id\":"
		    "\"cl-6dfzh5ik5uxynzmlf5cshamdk\",\"type\":\"sandbox\"},\"metadata\":"
		    "{\"reason\":\"ttl_expired\"}}"),
	};

	cr_assert_eq(pieces[2].len, 251);
	expect_hmac(STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), pieces,
		    3, "56c9aadb11b50684b86405a2eaa992a879be7907f42ff6303f3e091a6997d349");
}

Test(seal_encrypt, writes_the_layout_of_the_contract)
{
	struct buf sealed, text;

	buf_init(&sealed, 1000);
	buf_init(&text, 1000);
	seal_encrypt(&sealed, contract_key, contract_nonce, STR("https://hooks.example.com/wrenn"));
	base64_encode(&text, buf_str(&sealed));
	cr_expect_str_eq(buf_text(&text), "oKGio6SlpqeoqaqrjmwIXTbxLZAKCui4dFSlphHBKXz3mSED8SFR9Br"
					  "FG1YYyeYAQQrTZyYWWKeQTUE=");
	buf_done(&text);
	buf_done(&sealed);
}

Test(seal_decrypt, returns_what_was_sealed_behind_what_is_there)
{
	static const char *const plains[] = { "", "x", "a longer text with \xc3\xa9" };

	for (size_t i = 0; i < ARRAY_LEN(plains); i++) {
		struct buf sealed, out;

		buf_init(&sealed, 1000);
		buf_init(&out, 1000);
		buf_add_text(&out, "before:");
		seal_encrypt(&sealed, contract_key, contract_nonce, str_of(plains[i]));
		cr_expect_eq(sealed.len, strlen(plains[i]) + SEAL_NONCE_SIZE + SEAL_TAG_SIZE);
		cr_expect(seal_decrypt(&out, contract_key, buf_str(&sealed)));
		cr_expect(str_starts(buf_str(&out), STR("before:")));
		cr_expect(str_is(str_from(buf_str(&out), 7), plains[i]));
		buf_done(&out);
		buf_done(&sealed);
	}
}

Test(seal_decrypt, needs_an_untouched_input_and_leaves_nothing_behind)
{
	struct buf sealed, out;

	buf_init(&sealed, 1000);
	buf_init(&out, 1000);
	buf_add_text(&out, "before");
	seal_encrypt(&sealed, contract_key, contract_nonce, STR("secret"));
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.bytes[i] ^= 1;
		cr_expect_not(seal_decrypt(&out, contract_key, buf_str(&sealed)), "byte %zu", i);
		sealed.bytes[i] ^= 1;
	}
	for (size_t len = 0; len < sealed.len; len++) {
		struct str part = { .at = sealed.bytes, .len = len };

		cr_expect_not(seal_decrypt(&out, contract_key, part), "first %zu bytes", len);
	}
	uint8_t other_key[SEAL_KEY_SIZE] = { 0 };
	cr_expect_not(seal_decrypt(&out, other_key, buf_str(&sealed)));
	cr_expect(str_is(buf_str(&out), "before"));
	buf_done(&out);
	buf_done(&sealed);
}

Test(seal_encrypt, fails_with_the_buffer_it_does_not_fit)
{
	for (size_t limit = 0; limit < SEAL_NONCE_SIZE + 6 + SEAL_TAG_SIZE; limit++) {
		struct buf sealed;

		buf_init(&sealed, limit);
		seal_encrypt(&sealed, contract_key, contract_nonce, STR("secret"));
		cr_expect_eq(sealed.err, -E2BIG, "limit %zu", limit);
		buf_done(&sealed);
	}
}

Test(crypto_equal, compares_content_and_length)
{
	cr_expect(crypto_equal(STR("abc"), STR("abc")));
	cr_expect(crypto_equal(STR(""), (struct str){ .at = NULL, .len = 0 }));
	cr_expect_not(crypto_equal(STR("abc"), STR("abd")));
	cr_expect_not(crypto_equal(STR("abc"), STR("ab")));
	cr_expect_not(crypto_equal(STR(""), STR("a")));
}

Test(random_bytes, never_gives_the_same_twice)
{
	uint8_t first[32], second[32];

	random_bytes(first, sizeof(first));
	random_bytes(second, sizeof(second));
	cr_expect_neq(memcmp(first, second, sizeof(first)), 0);
}
