/* SPDX-License-Identifier: Apache-2.0 */

/* A file of a signed note is there whole, or not at all. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/note_file.h"
#include "tests/support/full_disk.h"

Test(note_file, on_a_full_disk_leaves_no_part)
{
	char folder[] = "/tmp/wrenn-notes-XXXXXX";
	struct audit_checkpoint checkpoint = { .size = 7 };
	const char *note = checkpoint.note;
	struct stat file;
	char path[128];

	memset(checkpoint.note, 'n', 300);
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/team-0000000000000000000000000-7.note", folder);
	for (rlim_t bytes = 0; bytes < strlen(note); bytes += 100) {
		limit_files(bytes);
		cr_expect_eq(note_file_write(folder, &checkpoint), -EFBIG);
		limit_files(RLIM_INFINITY);
		cr_expect_eq(count_entries(folder), 0, "the draft is gone");
	}
	cr_expect_eq(note_file_write(folder, &checkpoint), 0, "there is room again");
	cr_expect_eq(stat(path, &file), 0);
	cr_expect_eq((size_t)file.st_size, strlen(note));
	limit_files(100);
	cr_expect_eq(note_file_write(folder, &checkpoint), -EFBIG, "the same once more");
	limit_files(RLIM_INFINITY);
	cr_expect_eq(stat(path, &file), 0, "what was there stays");
	cr_expect_eq((size_t)file.st_size, strlen(note));
	unlink(path);
	cr_expect_eq(rmdir(folder), 0, "and nothing else is there");
}
