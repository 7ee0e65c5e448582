/* SPDX-License-Identifier: Apache-2.0 */

/* Decrypts a channel's sealed settings and wipes them. A config that does not decrypt stops the
 * channel's deliveries; an old secret that does not decrypt is left out. */
#include "delivery/settings.h"

#include <errno.h>

#include "delivery/living.h"

void settings_init(struct settings *settings)
{
	*settings = (struct settings){ .provider = NULL };
	buf_init(&settings->sealed, SEALED_CONFIG_MAX);
	buf_init(&settings->old_secret, SEALED_CONFIG_MAX);
}

static void close_config(struct settings *settings)
{
	if (settings->is_open)
		opened_config_done(&settings->opened);
	settings->is_open = false;
}

void settings_wipe(struct settings *settings)
{
	close_config(settings);
	buf_done(&settings->sealed);
	buf_done(&settings->old_secret);
	channel_options_close(settings->options);
	*settings = (struct settings){ .provider = NULL };
}

int settings_open(struct settings *settings, const uint8_t key[SEAL_KEY_SIZE])
{
	int rc;

	if (settings->is_open)
		return 0;
	if (!settings->provider || settings->sealed.err)
		return -EBADMSG;
	rc = config_open(&settings->opened, settings->provider, buf_str(&settings->sealed), key);
	settings->is_open = rc == 0;
	return rc;
}

int settings_bring_to_life(struct settings *settings, const uint8_t key[SEAL_KEY_SIZE])
{
	const struct str secret = { (const char *)key, SEAL_KEY_SIZE };
	int rc;

	if (!settings->provider || !settings->provider->edit)
		return 0;
	rc = settings_open(settings, key);
	if (rc < 0) /* without the config nothing is sent */
		return rc == -ENOMEM ? rc : 0;
	settings->is_living = provider_edits(settings->provider, &settings->opened.config);
	if (settings->is_living)
		living_place(settings->provider, &settings->opened.config, secret, settings->place);
	return 0;
}

void settings_rebind(struct settings *settings, struct buf *sealed, int64_t updated_us)
{
	close_config(settings);
	buf_done(&settings->sealed);
	settings->sealed = *sealed;
	buf_init(sealed, 0);
	settings->updated_us = updated_us;
	settings->has_paces = false;
}

void settings_old_secrets(const struct settings *settings, const uint8_t key[SEAL_KEY_SIZE],
			  int64_t now_us, struct old_secrets *out)
{
	const struct stored_secrets stored = {
		.text = settings->old_secret.err ? STR("") : buf_str(&settings->old_secret),
		.until_us = settings->old_secret_until_us,
	};

	old_secrets_open(out, &stored, now_us, key);
}

void settings_find_paces(struct settings *settings, const struct uuid *channel,
			 const uint8_t key[SEAL_KEY_SIZE])
{
	if (settings->has_paces)
		return;
	settings->has_paces = true;
	settings->paced = (struct paced){ .provider = settings->provider,
					  .user.team = settings->team,
					  .user.channel = *channel };
	settings->paced.count = config_find_paces(settings->provider, buf_str(&settings->sealed),
						  key, settings->paced.list);
}
