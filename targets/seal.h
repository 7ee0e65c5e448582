/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A channel's settings at rest (contract c.6): a JSON object with plain names, each value
 * encrypted by itself. The control plane reads and writes the same rows.
 */
#ifndef TARGETS_SEAL_H
#define TARGETS_SEAL_H

#include "core/attributes.h"
#include "core/buf.h"
#include "core/crypto.h"
#include "core/str.h"
#include "providers/provider.h"

#define SEALED_CONFIG_MAX 65536 /* bytes of JSON */

/* Decrypted settings; wiped by opened_config_done(). */
struct opened_config {
	struct provider_config config;
	struct buf values[PROVIDER_MAX_FIELDS];
};

/* One value by itself, as base64 without quotes. A failure of setting_seal() sticks in out->err.
 * setting_open() returns 0, -ENOMEM, or -EBADMSG when the value does not decrypt with the key.
 * The caller wipes *out. */
void setting_seal(struct buf *out, struct str value, const uint8_t key[SEAL_KEY_SIZE]);
int setting_open(struct buf *out, struct str sealed, const uint8_t key[SEAL_KEY_SIZE]) must_check;

/* Appends the object. Each value has its own nonce. A failure sticks in out->err. */
void config_seal(struct buf *out, const struct provider_config *config,
		 const uint8_t key[SEAL_KEY_SIZE]);

/* Decrypts the fields that this provider knows and ignores the others. 0, -ENOMEM, or -EBADMSG
 * when the text is not an object, or a value is not a string, not base64, or does not decrypt
 * with the key. After a failure *out needs no opened_config_done(). */
int config_open(struct opened_config *out, const struct provider *provider, struct str sealed,
		const uint8_t key[SEAL_KEY_SIZE]) must_check;
void opened_config_done(struct opened_config *opened);

/* The paces of the destination of these settings, and how many there are: none when the settings do
 * not decrypt. A provider without paces gets one without an interval, which keeps the pauses that a
 * destination asks for. */
size_t config_find_paces(const struct provider *provider, struct str sealed,
			 const uint8_t key[SEAL_KEY_SIZE], struct pace out[PROVIDER_MAX_PACES]);

#endif
