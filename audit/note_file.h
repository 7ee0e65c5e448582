/* SPDX-License-Identifier: Apache-2.0 */

/* Writes a checkpoint as a file. Blocks. */
#ifndef AUDIT_NOTE_FILE_H
#define AUDIT_NOTE_FILE_H

#include "audit/checkpoint.h"
#include "core/attributes.h"

/* Writes <team>-<size>.note, complete or not at all, and on the disk when this returns. 0 or a
 * negative errno. */
int note_file_write(const char *folder, const struct audit_checkpoint *checkpoint) must_check;

#endif
