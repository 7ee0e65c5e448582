/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The settings of a channel, such as a webhook's URL. `settings` has a place for each field of
 * the provider. Each function returns EXIT_GOOD, or prints an error, which repeats no value, and
 * returns EXIT_USAGE.
 */
#ifndef CLI_CHANNEL_SETTINGS_H
#define CLI_CHANNEL_SETTINGS_H

#include "core/attributes.h"
#include "core/secret.h"
#include "providers/provider.h"

/* Takes NAME=VALUE from the command line, unless the field is a secret. */
int channel_settings_set(const struct provider *provider, struct secret *settings,
			 const char *pair) must_check;

/* Reads NAME=VALUE lines, or a JSON object of strings, from a file or ("-") standard input. */
int channel_settings_read(const struct provider *provider, struct secret *settings,
			  const char *file) must_check;

/* Asks on the terminal for missing settings; for optional ones only if none was given. If standard
 * input is not a terminal, names the settings that must be given. */
int channel_settings_ask(const struct provider *provider, struct secret *settings) must_check;

#endif
