/* SPDX-License-Identifier: Apache-2.0 */

/* The file of the embedded engine: made, opened, checked and watched. */
#ifndef STORE_SQLITE_FILE_H
#define STORE_SQLITE_FILE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/attributes.h"
#include "core/reason.h"

struct sqlite_file {
	char *path;
	dev_t device;
	ino_t inode;
};

/* Creates the file (0600) and its folders (0700). *made is true when there was none. */
int sqlite_file_make(const char *path, bool *made, struct reason *why) must_check;

/* Opens an existing file as a connection with our settings. On failure *handle may be set and is
 * the caller's to close. */
int sqlite_file_open(struct sqlite_file *file, const char *path, bool writable, sqlite3 **handle,
		     struct reason *why) must_check;
void sqlite_file_done(struct sqlite_file *file);

/* True when the path still leads to the file that was opened. */
bool sqlite_file_is_same(const struct sqlite_file *file);

#endif
