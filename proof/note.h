/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Signed notes (C2SP signed-note): text, a blank line, and lines that sign the text with Ed25519.
 * Do not use the text of a note before note_open() has found a signature of a known key.
 */
#ifndef PROOF_NOTE_H
#define PROOF_NOTE_H

#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/reason.h"
#include "core/str.h"

#define NOTE_MAX_BYTES      16384
#define NOTE_MAX_SIGNATURES 64
#define NOTE_MAX_NAME       255
#define NOTE_KEY_SIZE       32 /* of either half */
#define NOTE_SIGNATURE_SIZE 64

/* The public half of a key. */
struct note_key {
	char name[NOTE_MAX_NAME + 1]; /* no space, no plus sign */
	uint32_t id;                  /* derived from the name and the public key */
	uint8_t public_key[NOTE_KEY_SIZE];
};

/* True when a key may have this name. */
bool note_name_is_valid(struct str name);
/* -EINVAL with *why when the name is not valid. */
int note_key_set(struct note_key *out, struct str name, const uint8_t public_key[NOTE_KEY_SIZE],
		 struct reason *why) must_check;
/* The same for the public half of this private key. */
int note_key_of_private(struct note_key *out, struct str name,
			const uint8_t private_key[NOTE_KEY_SIZE], struct reason *why) must_check;

/* The verifier key as one line of text, without its end: name+id+base64. */
void note_key_write(struct buf *out, const struct note_key *key);
int note_key_read(struct str text, struct note_key *out, struct reason *why) must_check;

/* Appends the note. The text must be UTF-8 without control characters and end with a line feed. */
void note_sign(struct buf *out, struct str text, const struct note_key *key,
	       const uint8_t private_key[NOTE_KEY_SIZE]);

/* Sets *out_text, a part of the note, and *out_key, one of the keys, when a known key signed it and
 * no signature of a known key is wrong. Otherwise -EINVAL (not a note), -ENOKEY (no known key
 * signed) or -EBADMSG (a signature is wrong), with *why. */
int note_open(struct str note, const struct note_key *keys, size_t count, struct str *out_text,
	      const struct note_key **out_key, struct reason *why) must_check;

#endif
