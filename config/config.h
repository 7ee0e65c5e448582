/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Front door of config/: every setting (contract l) from the environment and from an optional file
 * of NAME=VALUE lines. The environment wins.
 *
 * Promise: either every value is valid, or each fault has a line that names the variable, what is
 * wrong and what is allowed. No line repeats a secret. Only app/ reads struct config.
 *
 * Where it is decided:
 *
 *   table.c   which settings there are: name, default, least and most, changed by a reload or not
 *   read.c    which text is a valid value, for each kind of value
 *   file.c    which lines of the file count, and what a quote or a # means
 *   key.c     where the encryption key comes from, and that it comes from one place only
 *   config.c  which of two values wins; defaults that follow from other settings
 *   change.c  which settings a reload takes over
 *
 * Helpers: setting.c (the line of a fault), describe.c (the list for people).
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "config/values.h"
#include "core/attributes.h"
#include "core/buf.h"

/* The settings that a subcommand requires. Every value that is set is checked, required or not. */
enum config_need {
	CONFIG_FOR_SERVE, /* everything, with the encryption key */
	CONFIG_FOR_STORE, /* DATABASE_URL, data directory */
	CONFIG_FOR_REDIS  /* REDIS_URL */
};

/* `environment` is as environ; `file` may be NULL. An empty value means the default, and an empty
 * value in the environment hides the one in the file. 0, or with a line per fault in *faults:
 * -EINVAL (an unknown WRENN_EVENTS_* variable is a fault, too), or the errno of a file that cannot
 * be read. Else -ENOMEM. On failure *out holds nothing. */
int config_load(char *const *environment, const char *file, enum config_need need,
		struct config *out, struct buf *faults) must_check;

/* Calls back for each setting whose text differs between the two. `is_live`: config_take_live()
 * applies it. */
typedef void (*config_change_fn)(const char *name, bool is_live, void *owner);
void config_compare(const struct config *old, const struct config *fresh,
		    config_change_fn on_change, void *owner);

/* Exchanges the settings that may change while the service runs. config_done(fresh) then frees the
 * old ones. */
void config_take_live(struct config *into, struct config *fresh);

/* Appends a paragraph for each setting: its name, and indented what it means and its default. */
void config_describe(struct buf *out);

/* Wipes secrets and frees. Safe on a zeroed struct, and safe to call twice. */
void config_done(struct config *config);

#endif
