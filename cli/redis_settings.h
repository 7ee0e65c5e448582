/* SPDX-License-Identifier: Apache-2.0 */

/* Address and options of Redis, for every command that connects to it. */
#ifndef CLI_REDIS_SETTINGS_H
#define CLI_REDIS_SETTINGS_H

#include "config/config.h"
#include "net/net.h"

/* The texts still belong to the config. */
static inline struct redis_settings redis_settings_of(const struct config *config)
{
	return (struct redis_settings){ .url = config->redis_url,
					.ca_file = config->redis_ca_file,
					.cert_file = config->redis_cert_file,
					.key_file = config->redis_key_file,
					.sentinel_password = config->redis_sentinel_password };
}

#endif
