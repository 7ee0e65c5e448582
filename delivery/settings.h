/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The part of a channel that is read besides its deliveries: where they go, and the state of its
 * breaker. The config is decrypted once, for the first request, and wiped when the settings are
 * forgotten.
 */
#ifndef DELIVERY_SETTINGS_H
#define DELIVERY_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/channel_hold.h"
#include "core/uuid.h"
#include "delivery/breaker.h"
#include "targets/targets.h"

#define SETTINGS_NAME_SIZE 128

/* All zero: not read. */
struct settings {
	const struct provider *provider; /* NULL: this release does not know it */
	struct uuid team;
	char team_name[SETTINGS_NAME_SIZE]; /* for messages */
	struct buf sealed;                  /* the config as stored */
	bool is_open;                       /* `opened` is set */
	struct opened_config opened;
	bool is_living; /* messages are edited; then `place` says where they are */
	char place[SHA256_HEX_SIZE];
	bool is_plain_only;    /* the host refused the rich form and took the plain one */
	struct buf old_secret; /* of a webhook, as stored: the secrets before the current one */
	int64_t old_secret_until_us;
	struct channel_options *options; /* NULL: none */
	struct channel_hold hold;        /* at the time of reading */
	int64_t updated_us;
	int64_t success_us;     /* the last one that was written down; 0: none */
	struct breaker breaker; /* counts every attempt */
	bool has_paces;         /* `paced` is set */
	struct paced paced;
};

/* Makes the settings empty, before the config and the old secret are read into them. */
void settings_init(struct settings *settings);
/* Frees the settings; all zero afterwards. */
void settings_wipe(struct settings *settings);

/* Sets `opened`, once. Zero, -EBADMSG or -ENOMEM. */
int settings_open(struct settings *settings, const uint8_t key[SEAL_KEY_SIZE]) must_check;
/* The channel wants messages that are edited: sets is_living if its provider can. Zero, or -ENOMEM.
 * */
int settings_bring_to_life(struct settings *settings, const uint8_t key[SEAL_KEY_SIZE]) must_check;
/* The config was stored as `sealed`, whose content is taken, at updated_us. */
void settings_rebind(struct settings *settings, struct buf *sealed, int64_t updated_us);
/* Decrypts the old secrets that are valid at now_us; old_secrets_done() frees them. */
void settings_old_secrets(const struct settings *settings, const uint8_t key[SEAL_KEY_SIZE],
			  int64_t now_us, struct old_secrets *out);
/* Sets `paced`, once. A config that cannot be decrypted has no pace. */
void settings_find_paces(struct settings *settings, const struct uuid *channel,
			 const uint8_t key[SEAL_KEY_SIZE]);

#endif
