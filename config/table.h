/* SPDX-License-Identifier: Apache-2.0 */

/* The table of settings, and the text that was found for each. Private to config/. */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include <stddef.h>

#include "config/setting.h"
#include "core/buf.h"
#include "core/str.h"

#define SETTINGS_MAX CONFIG_MAX_SETTINGS

/* `count` rows, at most SETTINGS_MAX. */
extern const struct setting settings[];
extern const size_t settings_count;

/* The text found for each row; `at` is NULL when there was none. The texts belong to the
 * environment or to the file. */
struct setting_texts {
	struct str value[SETTINGS_MAX];
	unsigned line[SETTINGS_MAX]; /* in the file; 0: not there */
};

/* The row of a name, or settings_count. */
size_t setting_find(struct str name);

/* For a name without a row: -EINVAL with a line in *faults when it has our prefix, else 0. `line`
 * is 0 for the environment. */
int setting_unknown(struct str name, unsigned line, struct buf *faults);

#endif
