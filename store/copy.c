/* SPDX-License-Identifier: Apache-2.0 */

/*
 * SQLite's online backup in one step: it reads one moment of the store, and in WAL mode writers do
 * not wait for it. Then: one file (no WAL), synced, closed, opened again and checked, and linked to
 * its name, which fails if the name is taken.
 */
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/schema.h"

#define BUSY_MS 5000

static int fail(struct reason *why, int rc, const char *what, const char *path, const char *cause)
{
	return reason_set(why, rc, NULL, "cannot %s %.200s: %s", what, path, cause);
}

static int open_read_only(const char *path, sqlite3 **out, struct reason *why)
{
	int code;

	if (access(path, R_OK) < 0)
		return fail(why, -errno, "read", path, strerror(errno));
	code = sqlite3_open_v2(path, out, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (code != SQLITE_OK)
		return fail(why, -EIO, "open", path, sqlite3_errstr(code));
	sqlite3_busy_timeout(*out, BUSY_MS);
	return 0;
}

/* The only value of a statement as text, or the empty text. */
static void read_cell(sqlite3 *handle, const char *sql, char *out, size_t size)
{
	sqlite3_stmt *statement = NULL;

	out[0] = '\0';
	if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		snprintf(out, size, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
}

static int check_store(sqlite3 *handle, const char *path, struct reason *why)
{
	char answer[200];
	long version;

	read_cell(handle, "SELECT max(version) FROM wrenn_events_schema", answer, sizeof(answer));
	version = strtol(answer, NULL, 10);
	if (version <= 0)
		return fail(why, -EINVAL, "use", path, "it is not a store of wrenn-events");
	if (version > (long)schema_step_count)
		return fail(why, -EINVAL, "use", path, "a newer program made it");
	read_cell(handle, "PRAGMA integrity_check(1)", answer, sizeof(answer));
	if (strcmp(answer, "ok") != 0)
		return fail(why, -EINVAL, "use", path, answer[0] ? answer : "it is damaged");
	return 0;
}

static int copy_pages(sqlite3 *from, const char *part, struct reason *why)
{
	sqlite3 *to = NULL;
	sqlite3_backup *backup = NULL;
	int code = sqlite3_open_v2(part, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (code == SQLITE_OK)
		backup = sqlite3_backup_init(to, "main", from, "main");
	if (backup) {
		code = sqlite3_backup_step(backup, -1);
		sqlite3_backup_finish(backup);
		if (code == SQLITE_DONE)
			code = sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	} else if (code == SQLITE_OK) {
		code = sqlite3_errcode(to);
	}
	sqlite3_close(to);
	return code == SQLITE_OK ? 0 : fail(why, -EIO, "write", part, sqlite3_errstr(code));
}

static int sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

static int sync_folder_of(const char *path)
{
	char folder[4096];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash)
		return sync_path(".", O_RDONLY | O_DIRECTORY);
	slash[slash == folder] = '\0';
	return sync_path(folder, O_RDONLY | O_DIRECTORY);
}

static int read_back(const char *part, struct reason *why)
{
	sqlite3 *handle = NULL;
	int rc = open_read_only(part, &handle, why);

	if (rc == 0)
		rc = check_store(handle, part, why);
	sqlite3_close(handle);
	return rc;
}

static int publish(const char *part, const char *to, int64_t *out_bytes, struct reason *why)
{
	struct stat status = { .st_size = 0 };
	int rc = sync_path(part, O_RDONLY);

	if (rc == 0 && (stat(part, &status) < 0 || link(part, to) < 0))
		rc = -errno;
	if (rc == 0)
		rc = sync_folder_of(to);
	if (rc < 0)
		return fail(why, rc, "write", to, strerror(-rc));
	*out_bytes = status.st_size;
	return 0;
}

/* The draft's name must be new: another backup to the same name, or another program, may have such
 * a file. */
static int make_part(char *part, struct reason *why)
{
	int fd = mkostemp(part, O_CLOEXEC); /* mode 0600 */

	if (fd < 0)
		return fail(why, -errno, "write", part, strerror(errno));
	close(fd);
	return 0;
}

static int copy_to(sqlite3 *from, const char *to, int64_t *out_bytes, struct reason *why)
{
	char part[4096];
	int rc;

	snprintf(part, sizeof(part), "%s.XXXXXX", to);
	rc = make_part(part, why);
	if (rc < 0)
		return rc;
	rc = copy_pages(from, part, why);
	if (rc == 0)
		rc = read_back(part, why);
	if (rc == 0)
		rc = publish(part, to, out_bytes, why);
	(void)unlink(part);
	return rc;
}

int store_copy(const char *from, const char *to, int64_t *out_bytes, struct reason *why)
{
	sqlite3 *handle = NULL;
	int rc;

	if (access(to, F_OK) == 0)
		return reason_set(why, -EEXIST, NULL,
				  "%.200s exists; nothing is overwritten, so name another file or "
				  "move this one",
				  to);
	rc = open_read_only(from, &handle, why);
	if (rc == 0)
		rc = check_store(handle, from, why);
	if (rc == 0)
		rc = copy_to(handle, to, out_bytes, why);
	sqlite3_close(handle);
	return rc;
}
