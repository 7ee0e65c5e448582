/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Hashes, signatures and authenticated encryption by OpenSSL. All contexts are made and dropped
 * within one call, so every function may run on any thread. Bad input returns false. A failure of
 * OpenSSL itself aborts.
 *
 * SHA-256 and HMAC use the OpenSSL functions that allocate nothing: each event needs several hashes
 * of short texts, and EVP costs more than such a hash. OpenSSL 3 calls them deprecated.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/crypto.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

/* Without memory or entropy, or with a damaged library, no signature could be trusted. */
static void insist(bool worked)
{
	if (!worked)
		abort();
}

/* OpenSSL reads NULL as "no argument", but an empty text is one. */
static const void *bytes_of(struct str text)
{
	return text.len ? text.at : "";
}

void crypto_sha256(struct str text, uint8_t out[SHA256_SIZE])
{
	crypto_sha256_pieces(&text, 1, out);
}

void crypto_sha256_hex(struct str text, char out[SHA256_HEX_SIZE])
{
	uint8_t hash[SHA256_SIZE];

	crypto_sha256(text, hash);
	hex_encode(hash, sizeof(hash), out);
}

void crypto_sha1(const struct str *pieces, size_t count, uint8_t out[SHA1_SIZE])
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();

	insist(hash && EVP_DigestInit_ex(hash, EVP_sha1(), NULL) == 1);
	for (size_t i = 0; i < count; i++)
		insist(EVP_DigestUpdate(hash, bytes_of(pieces[i]), pieces[i].len) == 1);
	insist(EVP_DigestFinal_ex(hash, out, NULL) == 1);
	EVP_MD_CTX_free(hash);
}

void crypto_sha256_pieces(const struct str *pieces, size_t count, uint8_t out[SHA256_SIZE])
{
	SHA256_CTX hash;

	insist(SHA256_Init(&hash) == 1);
	for (size_t i = 0; i < count; i++)
		insist(SHA256_Update(&hash, bytes_of(pieces[i]), pieces[i].len) == 1);
	insist(SHA256_Final(out, &hash) == 1);
}

static void begin_half(const uint8_t key[SHA256_CBLOCK], uint8_t pad, SHA256_CTX *out)
{
	uint8_t block[SHA256_CBLOCK];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	insist(SHA256_Init(out) == 1 && SHA256_Update(out, block, sizeof(block)) == 1);
	OPENSSL_cleanse(block, sizeof(block));
}

void crypto_hmac_key(struct str key, struct hmac_key *out)
{
	uint8_t block[SHA256_CBLOCK] = { 0 };

	if (key.len > sizeof(block))
		crypto_sha256(key, block);
	else
		memcpy(block, bytes_of(key), key.len);
	begin_half(block, 0x36, &out->inner);
	begin_half(block, 0x5c, &out->outer);
	OPENSSL_cleanse(block, sizeof(block));
}

static void end_half(SHA256_CTX hash, const struct str *pieces, size_t count,
		     uint8_t out[SHA256_SIZE])
{
	for (size_t i = 0; i < count; i++)
		insist(SHA256_Update(&hash, bytes_of(pieces[i]), pieces[i].len) == 1);
	insist(SHA256_Final(out, &hash) == 1);
	OPENSSL_cleanse(&hash, sizeof(hash));
}

void crypto_hmac_with(const struct hmac_key *key, const struct str *pieces, size_t count,
		      uint8_t out[SHA256_SIZE])
{
	uint8_t inner[SHA256_SIZE];
	const struct str inner_text = { .at = (const char *)inner, .len = sizeof(inner) };

	end_half(key->inner, pieces, count, inner);
	end_half(key->outer, &inner_text, 1, out);
}

void crypto_hmac_sha256(struct str key, const struct str *pieces, size_t count,
			uint8_t out[SHA256_SIZE])
{
	struct hmac_key halves;

	crypto_hmac_key(key, &halves);
	crypto_hmac_with(&halves, pieces, count, out);
	OPENSSL_cleanse(&halves, sizeof(halves));
}

bool crypto_equal(struct str a, struct str b)
{
	return a.len == b.len && CRYPTO_memcmp(bytes_of(a), bytes_of(b), a.len) == 0;
}

void random_bytes(void *out, size_t n)
{
	assert(n <= INT_MAX);
	insist(RAND_bytes(out, (int)n) == 1);
}

static EVP_CIPHER_CTX *cipher_start(bool encrypt, const uint8_t *key, const uint8_t *nonce)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

	insist(cipher &&
	       EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce, encrypt) == 1);
	return cipher;
}

/* The bytes from `from` to the end of the buffer, in place. GCM keeps the length. */
static void cipher_run(EVP_CIPHER_CTX *cipher, struct buf *text, size_t from)
{
	size_t len = text->len - from;
	int done = 0;

	if (len == 0)
		return;
	assert(len <= INT_MAX);
	uint8_t *at = (uint8_t *)text->bytes + from;
	insist(EVP_CipherUpdate(cipher, at, &done, at, (int)len) == 1 && done == (int)len);
}

void seal_encrypt(struct buf *out, const uint8_t key[SEAL_KEY_SIZE],
		  const uint8_t nonce[SEAL_NONCE_SIZE], struct str plain)
{
	uint8_t tag[SEAL_TAG_SIZE];
	int rest = 0;

	buf_add(out, nonce, SEAL_NONCE_SIZE);
	size_t start = out->len;
	buf_add_str(out, plain);
	if (out->err)
		return;

	EVP_CIPHER_CTX *cipher = cipher_start(true, key, nonce);
	cipher_run(cipher, out, start);
	insist(EVP_CipherFinal_ex(cipher, tag, &rest) == 1 &&
	       EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_SIZE, tag) == 1);
	EVP_CIPHER_CTX_free(cipher);
	buf_add(out, tag, sizeof(tag));
}

bool seal_decrypt(struct buf *out, const uint8_t key[SEAL_KEY_SIZE], struct str sealed)
{
	if (sealed.len < SEAL_NONCE_SIZE + SEAL_TAG_SIZE)
		return false;

	size_t start = out->len;
	struct str text = str_from(sealed, SEAL_NONCE_SIZE);
	uint8_t tag[SEAL_TAG_SIZE];
	int rest = 0;

	text.len -= SEAL_TAG_SIZE;
	memcpy(tag, text.at + text.len, sizeof(tag));
	buf_add_str(out, text);
	if (out->err)
		return false;

	EVP_CIPHER_CTX *cipher = cipher_start(false, key, (const uint8_t *)sealed.at);
	cipher_run(cipher, out, start);
	insist(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_SIZE, tag) == 1);
	bool genuine = EVP_CipherFinal_ex(cipher, tag, &rest) == 1;
	EVP_CIPHER_CTX_free(cipher);
	if (!genuine) {
		if (text.len)
			OPENSSL_cleanse(out->bytes + start, text.len);
		out->len = start;
	}
	return genuine;
}
