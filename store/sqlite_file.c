/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Makes and opens the SQLite file. Opening never creates one: a file that disappeared may be on a
 * volume that comes back. In this order: open it, read its table of contents (which finds damage
 * and other programs' databases), and only then the settings, of which WAL is the first that
 * writes.
 */
#include "store/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/engine.h"

#define WAL_TRIES      50
#define WAL_PAUSE_NS   100000000L
#define WAL_KEEP_BYTES "67108864"
/* Ids are in the order of time, so rows that are written together are close together: a cache of 32
 * MiB saved no CPU. Checkpoints write each page once for many commits. Negative: KiB. */
#define WRITER_CACHE_KIB     "-8192"
#define WAL_CHECKPOINT_PAGES "8192"

static int make_folders(const char *path, struct reason *why)
{
	char *copy = strdup(path);
	int rc = 0;

	if (!copy)
		return reason_set(why, -ENOMEM, "", "out of memory");
	for (char *slash = strchr(copy + 1, '/'); slash && !rc; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			rc = reason_set(why, -errno, "DATABASE_URL",
					"cannot make the folder of the SQLite file: %s",
					strerror(errno));
		*slash = '/';
	}
	free(copy);
	return rc;
}

/* We open the file ourselves only if it does not exist: closing a descriptor of a file that SQLite
 * has open in this process would drop SQLite's locks on it. */
int sqlite_file_make(const char *path, bool *made, struct reason *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == ENOENT) {
		int rc = make_folders(path, why);
		if (rc)
			return rc;
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	*made = fd >= 0;
	if (fd < 0)
		return errno == EEXIST
			       ? 0
			       : reason_set(why, -errno, "DATABASE_URL",
					    "cannot make the SQLite file: %s", strerror(errno));
	close(fd);
	return 0;
}

static int open_failure(sqlite3 *handle, int sqlite_rc, struct reason *why)
{
	int system_errno;

	switch (sqlite_rc & 0xff) {
	case SQLITE_NOTADB:
		return reason_set(why, -EBADMSG, "DATABASE_URL",
				  "the file is not a SQLite database; it was not changed");
	case SQLITE_CORRUPT:
		return reason_set(why, -EBADMSG, "DATABASE_URL",
				  "the SQLite file is damaged; it was not changed");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return reason_set(why, -EBUSY, "DATABASE_URL",
				  "the SQLite file is locked by another process");
	case SQLITE_FULL:
		return reason_set(why, -ENOSPC, "DATABASE_URL", "the disk is full");
	case SQLITE_NOMEM:
		return reason_set(why, -ENOMEM, "", "out of memory");
	default:
		system_errno = sqlite3_system_errno(handle);
		if (system_errno == ENOENT)
			return reason_set(why, -ENOENT, "DATABASE_URL",
					  "the SQLite file does not exist");
		return reason_set(why, system_errno ? -system_errno : -EIO, "DATABASE_URL",
				  "cannot open the SQLite file: %s",
				  system_errno ? strerror(system_errno) : sqlite3_errmsg(handle));
	}
}

/* The number in the first column of the only row. */
static int query_number(sqlite3 *handle, const char *sql, int *out)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);

	if (!rc) {
		rc = sqlite3_step(statement);
		if (rc == SQLITE_ROW) {
			*out = sqlite3_column_int(statement, 0);
			rc = SQLITE_OK;
		}
	}
	sqlite3_finalize(statement);
	return rc;
}

static int check_ours(sqlite3 *handle, struct reason *why)
{
	int foreign = 0;
	int rc = query_number(handle,
			      "SELECT count(*) > 0 AND sum(name = 'wrenn_events_schema') = 0 "
			      "FROM sqlite_schema WHERE type = 'table'",
			      &foreign);

	if (rc)
		return open_failure(handle, rc, why);
	if (foreign)
		return reason_set(why, -EBADMSG, "DATABASE_URL",
				  "the SQLite file belongs to another program; it was not changed");
	return 0;
}

/* Several processes may switch at the same time, and SQLite does not wait for that lock. */
static int switch_to_wal(sqlite3 *handle)
{
	const struct timespec pause = { .tv_nsec = WAL_PAUSE_NS };
	int rc = SQLITE_BUSY;

	for (int i = 0; i < WAL_TRIES && (rc & 0xff) == SQLITE_BUSY; i++) {
		if (i)
			nanosleep(&pause, NULL);
		rc = sqlite3_exec(handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
	}
	return rc;
}

static int apply_settings(sqlite3 *handle, bool writable)
{
	int rc = SQLITE_OK;

	if (writable)
		rc = switch_to_wal(handle);
	if (!rc)
		rc = sqlite3_exec(handle,
				  writable ? "PRAGMA synchronous = FULL;"
					     "PRAGMA cache_size = " WRITER_CACHE_KIB ";"
					     "PRAGMA secure_delete = ON;"
					     "PRAGMA wal_autocheckpoint = " WAL_CHECKPOINT_PAGES ";"
					     "PRAGMA journal_size_limit = " WAL_KEEP_BYTES
					   : "PRAGMA query_only = ON",
				  NULL, NULL, NULL);
	return rc;
}

static void harden(sqlite3 *handle)
{
	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_extended_result_codes(handle, 1);
	sqlite3_busy_timeout(handle, DB_BUSY_MS);
}

int sqlite_file_open(struct sqlite_file *file, const char *path, bool writable, sqlite3 **handle,
		     struct reason *why)
{
	struct stat status;
	int rc;

	rc = sqlite3_open_v2(path, handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc)
		return open_failure(*handle, rc, why);
	harden(*handle);

	rc = check_ours(*handle, why);
	if (rc)
		return rc;
	rc = apply_settings(*handle, writable);
	if (rc)
		return open_failure(*handle, rc, why);
	file->path = strdup(path);
	if (!file->path || stat(path, &status))
		return reason_set(why, -ENOMEM, "DATABASE_URL", "cannot watch the SQLite file");
	file->device = status.st_dev;
	file->inode = status.st_ino;
	return 0;
}

void sqlite_file_done(struct sqlite_file *file)
{
	free(file->path);
	file->path = NULL;
}

bool sqlite_file_is_same(const struct sqlite_file *file)
{
	struct stat status;

	return stat(file->path, &status) == 0 && status.st_dev == file->device &&
	       status.st_ino == file->inode;
}
