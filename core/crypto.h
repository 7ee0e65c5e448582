/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Hashes, signatures, encryption and the encodings around them, on OpenSSL's EVP. Functions without
 * a result cannot fail on valid arguments; they abort when OpenSSL has no memory or no entropy,
 * since no caller could go on safely.
 */
#ifndef CORE_CRYPTO_H
#define CORE_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/sha.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE 65 /* 64 digits and a NUL */
#define SHA1_SIZE       20
#define SEAL_KEY_SIZE   32
#define SEAL_NONCE_SIZE 12
#define SEAL_TAG_SIZE   16

void crypto_sha256(struct str text, uint8_t out[SHA256_SIZE]);
void crypto_sha256_hex(struct str text, char out[SHA256_HEX_SIZE]);
/* Over `count` pieces, as if they were one. */
void crypto_sha256_pieces(const struct str *pieces, size_t count, uint8_t out[SHA256_SIZE]);

/* SHA-1 over `count` pieces, as if they were one. */
void crypto_sha1(const struct str *pieces, size_t count, uint8_t out[SHA1_SIZE]);

/* HMAC-SHA-256 over `count` pieces, as if they were one. */
void crypto_hmac_sha256(struct str key, const struct str *pieces, size_t count,
			uint8_t out[SHA256_SIZE]);

/* The same with a key that signs many texts: the part that depends only on the key is computed
 * once. */
struct hmac_key {
	SHA256_CTX inner; /* after the key's block */
	SHA256_CTX outer;
};
void crypto_hmac_key(struct str key, struct hmac_key *out);
void crypto_hmac_with(const struct hmac_key *key, const struct str *pieces, size_t count,
		      uint8_t out[SHA256_SIZE]);

/* 0 to 15, or -1 when it is not a hexadecimal digit of either case. */
int hex_value(char c);
/* Lower-case digits, then a NUL; out has 2 * n + 1 bytes. */
void hex_encode(const void *bytes, size_t n, char *out);
/* Exactly 2 * n digits of either case; else false and out is untouched. */
bool hex_decode(struct str text, uint8_t *out, size_t n);

/* Standard alphabet with padding. */
void base64_encode(struct buf *out, struct str bytes);
/* Appends the decoded bytes. Returns false for anything but strictly padded standard base64. */
bool base64_decode(struct buf *out, struct str text);
/* The same for text of exactly n bytes. Needs no memory. After false, out has no meaning. */
bool base64_decode_exact(struct str text, void *out, size_t n);

/* Its time does not depend on where the texts differ, only on their lengths. */
bool crypto_equal(struct str a, struct str b);

void random_bytes(void *out, size_t n);

/* AES-256-GCM: appends nonce, ciphertext, tag. */
void seal_encrypt(struct buf *out, const uint8_t key[SEAL_KEY_SIZE],
		  const uint8_t nonce[SEAL_NONCE_SIZE], struct str plain);
/* Appends the plain text; false when the tag does not fit or the input is too short, and
 * then appends nothing. */
bool seal_decrypt(struct buf *out, const uint8_t key[SEAL_KEY_SIZE], struct str sealed);

#endif
