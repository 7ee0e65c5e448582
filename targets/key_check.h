/* SPDX-License-Identifier: Apache-2.0 */

/* Whether the encryption key is the one that sealed the stored settings. */
#ifndef TARGETS_KEY_CHECK_H
#define TARGETS_KEY_CHECK_H

#include <stdint.h>

#include "core/attributes.h"
#include "core/crypto.h"
#include "core/reason.h"

enum key_use {
	KEY_LOOK,  /* changes nothing, makes nothing */
	KEY_KEEP,  /* a store that has not seen a key yet remembers this one */
	KEY_ACCEPT /* the store takes this key, whatever key it had before */
};

/* Blocks; for the start, before there are workers. -EKEYREJECTED with *why when another key sealed
 * the settings. Otherwise a code of the store: -ENXIO for a store of another version, with which
 * the key cannot be tried. */
int key_check(const char *database_url, const uint8_t key[SEAL_KEY_SIZE], enum key_use use,
	      struct reason *why) must_check;

#endif
