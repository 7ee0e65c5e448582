/* SPDX-License-Identifier: Apache-2.0 */

/* The settings file. Private to config/. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "config/table.h"
#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"

/* Reads a whole file into *out, whose limit is the most it may have. 0 or a negative errno; -E2BIG
 * past the limit. */
int settings_file_read(const char *path, struct buf *out) must_check;

/* Finds settings in the text of a file. 0, or -EINVAL with a line in *faults for each bad line. */
int settings_file_parse(struct str text, struct setting_texts *texts, struct buf *faults);

#endif
