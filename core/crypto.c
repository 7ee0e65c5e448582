/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Hashes, signatures and authenticated encryption by OpenSSL. All contexts are made and
 * dropped within one call, so every function may run on any thread. Signatures copy a context that
 * is made once and never changes. Bad input is a false;
 * OpenSSL itself failing aborts.
 */
#include "core/crypto.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

/* No memory, no entropy or a damaged library: a signature could not be trusted any more. */
static void insist(bool worked)
{
	if (!worked)
		abort();
}

/* OpenSSL takes NULL for "nothing given", which an empty text is not. */
static const void *bytes_of(struct str text)
{
	return text.len ? text.at : "";
}

void crypto_sha256(struct str text, uint8_t out[SHA256_SIZE])
{
	insist(EVP_Digest(bytes_of(text), text.len, out, NULL, EVP_sha256(), NULL) == 1);
}

void crypto_sha256_hex(struct str text, char out[SHA256_HEX_SIZE])
{
	uint8_t hash[SHA256_SIZE];

	crypto_sha256(text, hash);
	hex_encode(hash, sizeof(hash), out);
}

static void digest(const EVP_MD *kind, const struct str *pieces, size_t count, uint8_t *out)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();

	insist(hash && EVP_DigestInit_ex(hash, kind, NULL) == 1);
	for (size_t i = 0; i < count; i++)
		insist(EVP_DigestUpdate(hash, bytes_of(pieces[i]), pieces[i].len) == 1);
	insist(EVP_DigestFinal_ex(hash, out, NULL) == 1);
	EVP_MD_CTX_free(hash);
}

void crypto_sha1(const struct str *pieces, size_t count, uint8_t out[SHA1_SIZE])
{
	digest(EVP_sha1(), pieces, count, out);
}

void crypto_sha256_pieces(const struct str *pieces, size_t count, uint8_t out[SHA256_SIZE])
{
	digest(EVP_sha256(), pieces, count, out);
}

static EVP_MAC_CTX *hmac_sha256; /* without a key */

/* Finding the two algorithms walks the providers under a lock: once is enough. */
static void make_hmac(void)
{
	char sha256[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);

	insist(hmac);
	hmac_sha256 = EVP_MAC_CTX_new(hmac);
	insist(hmac_sha256 && EVP_MAC_CTX_set_params(hmac_sha256, params) == 1);
	EVP_MAC_free(hmac);
}

void crypto_hmac_sha256(struct str key, const struct str *pieces, size_t count,
			uint8_t out[SHA256_SIZE])
{
	static pthread_once_t made = PTHREAD_ONCE_INIT;
	size_t out_len = 0;

	pthread_once(&made, make_hmac);

	EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(hmac_sha256);

	insist(mac && EVP_MAC_init(mac, bytes_of(key), key.len, NULL) == 1);
	for (size_t i = 0; i < count; i++)
		insist(EVP_MAC_update(mac, bytes_of(pieces[i]), pieces[i].len) == 1);
	insist(EVP_MAC_final(mac, out, &out_len, SHA256_SIZE) == 1 && out_len == SHA256_SIZE);
	EVP_MAC_CTX_free(mac);
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
