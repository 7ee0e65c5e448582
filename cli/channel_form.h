/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A channel as a person describes it with flags: name, provider, kinds, filter and settings.
 * Secrets come from a file, standard input or a prompt, because every user of a machine sees the
 * arguments of its processes.
 */
#ifndef CLI_CHANNEL_FORM_H
#define CLI_CHANNEL_FORM_H

#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdbool.h>

#include "cli/service.h"
#include "core/attributes.h"
#include "core/buf.h"
#include "core/secret.h"
#include "providers/provider.h"

enum channel_form_flag {
	FORM_NAME = 640,
	FORM_PROVIDER,
	FORM_EVENT,
	FORM_ONLY_FAILURES,
	FORM_FILTER,
	FORM_OPTION,
	FORM_SET,
	FORM_SETTINGS
};

#define FORM_SETTINGS_OPTIONS                                      \
	{ "provider", required_argument, NULL, FORM_PROVIDER },    \
		{ "set", required_argument, NULL, FORM_SET },      \
	{                                                          \
		"settings", required_argument, NULL, FORM_SETTINGS \
	}

#define FORM_FILTER_OPTIONS                                         \
	{ "only-failures", no_argument, NULL, FORM_ONLY_FAILURES }, \
		{ "filter", required_argument, NULL, FORM_FILTER }, \
	{                                                           \
		"option", required_argument, NULL, FORM_OPTION      \
	}

struct channel_form {
	const char *name;
	const struct provider *provider;
	cJSON *events;  /* kinds; NULL: none was named */
	cJSON *filter;  /* {"outcome":["error"]}; NULL: no rule */
	cJSON *options; /* other options, by the name that the API has; NULL: none */
	const char *settings_file;
	struct secret settings[PROVIDER_MAX_FIELDS]; /* in the order of the provider's fields */
	const char *sets[PROVIDER_MAX_FIELDS];       /* NAME=VALUE, as typed */
	size_t set_count;
	const char *typed_provider;
};

void channel_form_done(struct channel_form *form);

/* Takes one of the flags. Returns an exit code. `owner` is the form. */
int channel_form_take(void *owner, int flag, const char *value) must_check;

/* Call this after all flags: the provider must be known. Reads the settings, and asks for those
 * that are missing if `asks` and there is a terminal. Returns an exit code. */
int channel_form_complete(struct channel_form *form, bool asks) must_check;

/* Appends `"config":{...}`. Wipe the buffer after use. */
void channel_form_add_config(const struct channel_form *form, struct buf *out);

/* At least one setting was given. */
bool channel_form_has_config(const struct channel_form *form);

/* Appends `"name":...` for each member that was given: provider, name, events, filter, other
 * options. */
void channel_form_add_members(const struct channel_form *form, struct buf *out);

/* Sends all of it to `path` and shows the answer. Returns an exit code. */
int channel_form_post(const struct channel_form *form, struct service *service,
		      const char *path) must_check;

/* Wipes and frees a body with secrets. */
void channel_form_wipe(struct buf *body);

#endif
