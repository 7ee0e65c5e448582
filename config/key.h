/* SPDX-License-Identifier: Apache-2.0 */

/* Where the encryption key comes from. Private to config/. */
#ifndef CONFIG_KEY_H
#define CONFIG_KEY_H

#include "config/table.h"
#include "core/buf.h"

/* Reads the key from its one place. 0; or -EINVAL with a line in *faults when there is none, more
 * than one, or a bad one; or the errno of its file. */
int settings_find_key(const struct setting_texts *texts, char *const *environment,
		      struct config *out, struct buf *faults);

#endif
