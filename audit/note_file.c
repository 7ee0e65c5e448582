/* SPDX-License-Identifier: Apache-2.0 */

#include "audit/note_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "audit/file_draft.h"
#include "core/id.h"

#define NAME_SIZE (ID_TEXT_SIZE + 40)

static int write_in(int folder, const char *name, const char *note)
{
	char draft[NAME_SIZE + 8];
	int rc;
	int fd;

	snprintf(draft, sizeof(draft), ".%s.new", name);
	fd = openat(folder, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	rc = draft_write(fd, str_of(note));
	if (rc == 0)
		rc = draft_publish(fd, folder, draft, name);
	close(fd);
	if (rc < 0)
		unlinkat(folder, draft, 0);
	return rc;
}

int note_file_write(const char *folder, const struct audit_checkpoint *checkpoint)
{
	char team[ID_TEXT_SIZE];
	char name[NAME_SIZE];
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	id_format(ID_TEAM, &checkpoint->team, team);
	snprintf(name, sizeof(name), "%s-%lld.note", team, (long long)checkpoint->size);
	rc = write_in(fd, name, checkpoint->note);
	close(fd);
	return rc;
}
