/* SPDX-License-Identifier: Apache-2.0 */

/* An attacker may have written the note: its size and its number of signatures are bounded, and
 * only signatures that name a known key are verified. */
#include "proof/note.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "core/crypto.h"
#include "core/utf8.h"

#define ED25519 1 /* the signature type */
#define ID_SIZE 4
#define DASH    "\xe2\x80\x94 " /* an em dash and a space */

/* Private keys are ours, so OpenSSL fails only when out of memory. */
static void insist(bool worked)
{
	if (!worked)
		abort();
}

/* ---- keys ---------------------------------------------------------------------------------- */

static bool is_space(uint32_t code)
{
	return code <= 0x20 || code == 0x85 || code == 0xa0 || code == 0x1680 ||
	       (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
	       code == 0x202f || code == 0x205f || code == 0x3000;
}

bool note_name_is_valid(struct str name)
{
	uint32_t code = 0;

	if (name.len == 0 || name.len > NOTE_MAX_NAME)
		return false;
	while (name.len > 0) {
		size_t n = utf8_decode(name, &code);

		if (n == 0 || is_space(code) || code == '+')
			return false;
		name = str_from(name, n);
	}
	return true;
}

static struct str bytes_of(const void *bytes, size_t n)
{
	return (struct str){ .at = bytes, .len = n };
}

static uint32_t id_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

int note_key_set(struct note_key *out, struct str name, const uint8_t public_key[NOTE_KEY_SIZE],
		 struct reason *why)
{
	static const char type[] = { '\n', ED25519 };
	const struct str pieces[] = { name, bytes_of(type, sizeof(type)),
				      bytes_of(public_key, NOTE_KEY_SIZE) };
	uint8_t hash[SHA256_SIZE];

	if (!note_name_is_valid(name))
		return reason_set(why, -EINVAL, "name",
				  "the name of a key must be 1 to %d bytes of text without spaces "
				  "or plus signs",
				  NOTE_MAX_NAME);
	crypto_sha256_pieces(pieces, ARRAY_LEN(pieces), hash);
	*out = (struct note_key){ .id = id_at(hash) };
	memcpy(out->name, name.at, name.len);
	memcpy(out->public_key, public_key, NOTE_KEY_SIZE);
	return 0;
}

static EVP_PKEY *open_private(const uint8_t private_key[NOTE_KEY_SIZE])
{
	EVP_PKEY *key =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key, NOTE_KEY_SIZE);

	insist(key);
	return key;
}

int note_key_of_private(struct note_key *out, struct str name,
			const uint8_t private_key[NOTE_KEY_SIZE], struct reason *why)
{
	uint8_t public_key[NOTE_KEY_SIZE];
	size_t len = sizeof(public_key);
	EVP_PKEY *key = open_private(private_key);

	insist(EVP_PKEY_get_raw_public_key(key, public_key, &len) == 1 && len == NOTE_KEY_SIZE);
	EVP_PKEY_free(key);
	return note_key_set(out, name, public_key, why);
}

void note_key_write(struct buf *out, const struct note_key *key)
{
	char bytes[1 + NOTE_KEY_SIZE] = { ED25519 };

	memcpy(bytes + 1, key->public_key, NOTE_KEY_SIZE);
	buf_addf(out, "%s+%08x+", key->name, key->id);
	base64_encode(out, bytes_of(bytes, sizeof(bytes)));
}

int note_key_read(struct str text, struct note_key *out, struct reason *why)
{
	struct str rest = str_trim(text);
	struct str name = str_cut(&rest, '+');
	struct str id = str_cut(&rest, '+');
	uint8_t bytes[1 + NOTE_KEY_SIZE];
	uint8_t named[ID_SIZE];
	struct note_key key = { .id = 0 };

	if (!rest.at || !hex_decode(id, named, sizeof(named)) ||
	    !base64_decode_exact(rest, bytes, sizeof(bytes)) || bytes[0] != ED25519)
		return reason_set(why, -EINVAL, "key",
				  "a verifier key has the form name+id+base64 and is one of "
				  "Ed25519");
	if (note_key_set(&key, name, bytes + 1, why) < 0)
		return -EINVAL;
	if (key.id != id_at(named))
		return reason_set(why, -EINVAL, "key",
				  "the id of a verifier key does not fit its name and bytes: it "
				  "should be %08x",
				  key.id);
	*out = key;
	return 0;
}

/* ---- signing ------------------------------------------------------------------------------- */

void note_sign(struct buf *out, struct str text, const struct note_key *key,
	       const uint8_t private_key[NOTE_KEY_SIZE])
{
	uint8_t signature[ID_SIZE + NOTE_SIGNATURE_SIZE];
	size_t len = NOTE_SIGNATURE_SIZE;
	EVP_PKEY *private = open_private(private_key);
	EVP_MD_CTX *signing = EVP_MD_CTX_new();

	for (unsigned i = 0; i < ID_SIZE; i++)
		signature[i] = (uint8_t)(key->id >> (24 - 8 * i));
	insist(signing && EVP_DigestSignInit(signing, NULL, NULL, NULL, private) == 1 &&
	       EVP_DigestSign(signing, signature + ID_SIZE, &len, (const uint8_t *)text.at,
			      text.len) == 1);
	EVP_MD_CTX_free(signing);
	EVP_PKEY_free(private);

	buf_add_str(out, text);
	buf_addf(out, "\n" DASH "%s ", key->name);
	base64_encode(out, bytes_of(signature, sizeof(signature)));
	buf_add_char(out, '\n');
}

/* ---- opening ------------------------------------------------------------------------------- */

static bool verifies(const struct note_key *key, struct str text, const uint8_t *signature)
{
	EVP_PKEY *public =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->public_key, NOTE_KEY_SIZE);
	EVP_MD_CTX *verifying = EVP_MD_CTX_new();
	bool is_good = public && verifying &&
		       EVP_DigestVerifyInit(verifying, NULL, NULL, NULL, public) == 1 &&
		       EVP_DigestVerify(verifying, signature, NOTE_SIGNATURE_SIZE,
					(const uint8_t *)text.at, text.len) == 1;

	EVP_MD_CTX_free(verifying);
	EVP_PKEY_free(public);
	return is_good;
}

static bool has_controls(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.at[i] < 0x20 && text.at[i] != '\n')
			return true;
	}
	return false;
}

/* Cuts the note at its last empty line. */
static bool split(struct str note, struct str *text, struct str *signatures)
{
	if (note.len > NOTE_MAX_BYTES || note.len < 2 || note.at[note.len - 1] != '\n' ||
	    !utf8_is_valid(note) || has_controls(note))
		return false;
	for (size_t i = note.len - 1; i > 0; i--) {
		if (note.at[i] == '\n' && note.at[i - 1] == '\n') {
			*text = (struct str){ .at = note.at, .len = i };
			*signatures = str_from(note, i + 1);
			return true;
		}
	}
	return false;
}

struct signature {
	struct str name;
	struct str base64;
	uint32_t id;
};

/* Other signature kinds are longer than ours, so only the id is decoded here. */
static bool read_signature(struct str line, struct signature *out)
{
	uint8_t head[6];

	if (!str_starts(line, STR(DASH)))
		return false;
	line = str_from(line, sizeof(DASH) - 1);
	out->name = str_cut(&line, ' ');
	out->base64 = line;
	if (!note_name_is_valid(out->name) || line.len < 8 || line.len % 4 ||
	    !base64_decode_exact((struct str){ .at = line.at, .len = 8 }, head, sizeof(head)))
		return false;
	out->id = id_at(head);
	return true;
}

static const struct note_key *find_key(const struct note_key *keys, size_t count,
				       const struct signature *signature)
{
	for (size_t i = 0; i < count; i++) {
		if (keys[i].id == signature->id && str_is(signature->name, keys[i].name))
			return &keys[i];
	}
	return NULL;
}

static int check_signature(struct str text, const struct signature *signature,
			   const struct note_key *key, struct reason *why)
{
	uint8_t bytes[ID_SIZE + NOTE_SIGNATURE_SIZE];

	if (base64_decode_exact(signature->base64, bytes, sizeof(bytes)) &&
	    verifies(key, text, bytes + ID_SIZE))
		return 0;
	return reason_set(why, -EBADMSG, "signature",
			  "the signature of the key %s+%08x does not fit the text", key->name,
			  key->id);
}

int note_open(struct str note, const struct note_key *keys, size_t count, struct str *out_text,
	      const struct note_key **out_key, struct reason *why)
{
	static const char malformed[] = "this is not a signed note";
	const struct note_key *by = NULL;
	struct signature signature;
	struct str text;
	struct str lines;

	if (!split(note, &text, &lines) || lines.len == 0)
		return reason_set(why, -EINVAL, "note", malformed);
	lines.len--; /* the last line feed ends the last line */
	for (unsigned i = 0; lines.at; i++) {
		if (i == NOTE_MAX_SIGNATURES || !read_signature(str_cut(&lines, '\n'), &signature))
			return reason_set(why, -EINVAL, "note", malformed);

		const struct note_key *key = find_key(keys, count, &signature);

		if (key && check_signature(text, &signature, key, why) < 0)
			return -EBADMSG;
		by = by ? by : key;
	}
	if (!by)
		return reason_set(why, -ENOKEY, "note", "no key that was given signed it");
	*out_text = text;
	*out_key = by;
	return 0;
}
