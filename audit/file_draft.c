/* SPDX-License-Identifier: Apache-2.0 */

#include "audit/file_draft.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int draft_write(int fd, struct str text)
{
	while (text.len > 0) {
		ssize_t written = write(fd, text.at, text.len);

		if (written > 0)
			text = str_from(text, (size_t)written);
		else if (written == 0)
			return -EIO;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int draft_publish(int fd, int folder, const char *draft, const char *name)
{
	bool is_done =
		fsync(fd) == 0 && renameat(folder, draft, folder, name) == 0 && fsync(folder) == 0;

	return is_done ? 0 : -errno;
}
