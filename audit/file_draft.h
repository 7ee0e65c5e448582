/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A file that appears under its name only when it is complete and on the disk: it is written as a
 * draft in the same folder, then renamed. Both calls block.
 */
#ifndef AUDIT_FILE_DRAFT_H
#define AUDIT_FILE_DRAFT_H

#include "core/attributes.h"
#include "core/str.h"

/* Appends all of the text. 0 or a negative errno, after which a part may be written. */
int draft_write(int fd, struct str text) must_check;

/* `fd` is the draft, `folder` the folder of both names. 0 or a negative errno; then a file that had
 * the name before may still be there. Closes nothing. */
int draft_publish(int fd, int folder, const char *draft, const char *name) must_check;

#endif
