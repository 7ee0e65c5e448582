/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A channel's settings at rest (contract c.6): a JSON object with the names in clear and each
 * value encrypted on its own. The control plane reads and writes the same rows.
 */
#ifndef TARGETS_SEAL_H
#define TARGETS_SEAL_H

#include "core/attributes.h"
#include "core/buf.h"
#include "core/digest.h"
#include "core/str.h"
#include "providers/provider.h"

#define SEALED_CONFIG_MAX 65536 /* bytes of JSON */

/* Settings in clear; wiped by opened_config_done(). */
struct opened_config {
	struct provider_config config;
	struct buf values[PROVIDER_MAX_FIELDS];
};

/* One value by itself, base64 without quotes. A failure of the first sticks in out->err. The second
 * returns 0, -EBADMSG when the value does not open under the key, or -ENOMEM; the caller wipes what
 * was opened. */
void setting_seal(struct buf *out, struct str value, const uint8_t key[SEAL_KEY_SIZE]);
int setting_open(struct buf *out, struct str sealed, const uint8_t key[SEAL_KEY_SIZE]) must_check;

/* Appends the object, each value under a nonce of its own. A failure sticks in out->err. */
void config_seal(struct buf *out, const struct provider_config *config,
		 const uint8_t key[SEAL_KEY_SIZE]);

/* The fields this provider knows; others in the object are left alone. Zero, -ENOMEM, or
 * -EBADMSG: no object, a value that is no text, no base64, or does not decrypt under the key. *out
 * needs no opened_config_done() after a failure. */
int config_open(struct opened_config *out, const struct provider *provider, struct str sealed,
		const uint8_t key[SEAL_KEY_SIZE]) must_check;
void opened_config_done(struct opened_config *opened);

/* How fast one may send to what these settings lead to; how many paces, none when the settings do
 * not open. With a provider that takes any pace there is one without an interval, for what a
 * destination wishes. */
size_t config_find_paces(const struct provider *provider, struct str sealed,
			 const uint8_t key[SEAL_KEY_SIZE], struct pace out[PROVIDER_MAX_PACES]);

#endif
