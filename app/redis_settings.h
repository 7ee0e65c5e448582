/* SPDX-License-Identifier: Apache-2.0 */

/* Where Redis is and how it is talked to, for every command that talks to it. */
#ifndef APP_REDIS_SETTINGS_H
#define APP_REDIS_SETTINGS_H

#include "config/config.h"
#include "net/net.h"

/* The texts stay the config's. */
static inline struct redis_settings redis_settings_of(const struct config *config)
{
	return (struct redis_settings){ .url = config->redis_url,
					.ca_file = config->redis_ca_file,
					.cert_file = config->redis_cert_file,
					.key_file = config->redis_key_file,
					.sentinel_password = config->redis_sentinel_password };
}

#endif
