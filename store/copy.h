/* SPDX-License-Identifier: Apache-2.0 */

/* Backups of the embedded store. Every function blocks. */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include <stdint.h>

#include "core/attributes.h"
#include "core/reason.h"

/* Copies a SQLite store, which may be in use, to a file that does not exist yet: one moment of it,
 * in one file with mode 0600. The copy is read back and checked before it gets its name, so a file
 * of that name is always complete. An interrupted copy leaves only `to`.part, which the next one
 * replaces. -EEXIST when there is a file of that name, -ENOENT without a store, -EINVAL for a file
 * that is damaged or not our store, other codes; all with the sentence in *why. */
int store_copy(const char *from, const char *to, int64_t *out_bytes, struct reason *why) must_check;

#endif
