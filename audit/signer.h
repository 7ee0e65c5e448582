/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The key that signs the checkpoints of this installation, and its file: 64 hexadecimal digits,
 * mode 0600. The first start makes the file. Nothing ever overwrites it.
 */
#ifndef AUDIT_SIGNER_H
#define AUDIT_SIGNER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "proof/note.h"
#include "store/store.h"

struct audit_signer {
	uint8_t private_key[NOTE_KEY_SIZE];
	bool is_open;       /* not only the owner may use the file */
	const char *origin; /* the name of the installation; NULL: made of the store's identity */
};

/* Makes the file unless there is one. 0 or a negative errno with *why. */
int audit_key_make(const char *path, struct reason *why) must_check;
/* Renames the file to *kept, which the caller frees, and makes a new one. 0 or a negative errno
 * with *why; -ENOENT: there is no file yet. */
int audit_key_rotate(const char *path, int64_t now_us, char **kept, struct reason *why) must_check;
/* Reads it into *out, whose origin stays. 0 or a negative errno with *why. */
int audit_signer_read(const char *path, struct audit_signer *out, struct reason *why) must_check;

/* The public half, under the installation's name. For a job; reads the store's identity. */
int audit_signer_public(struct db *db, const struct audit_signer *signer,
			struct note_key *out) must_check;

#endif
