/* SPDX-License-Identifier: Apache-2.0 */

/* Each function opens one connection, uses it, and closes it. */
#include "store/blocking.h"

#include <errno.h>

#include "core/buf.h"
#include "core/log.h"
#include "store/connect.h"
#include "store/engine.h"
#include "store/group.h"
#include "store/schema.h"
#include "store/sqlite_file.h"
#include "store/url.h"

static int need_schema(struct db *db, struct reason *why)
{
	int64_t version = 0;
	int rc = schema_version(db, &version);

	if (rc)
		return reason_set(why, rc, "DATABASE_URL", "the database refused: %s",
				  db->fault[0] ? db->fault : "no reason was given");
	return version > 0 ? 0 : -ENOENT;
}

int store_look(const char *url, struct reason *why)
{
	struct reason unread;
	struct db *db = NULL;
	int rc;

	if (!why)
		why = &unread;
	rc = db_open(url, false, &db, why);
	if (rc == 0)
		rc = need_schema(db, why);
	db_close(db);
	return rc;
}

int store_inspect(const char *url, bool *out_is_pooled, struct reason *why)
{
	struct db *db = NULL;
	int rc = db_open(url, true, &db, why);

	if (rc == 0)
		rc = schema_inspect(db, why);
	if (rc == 0)
		*out_is_pooled = db->is_pooled;
	db_close(db);
	return rc;
}

int store_make(const char *url, struct reason *why)
{
	struct str text = str_of(url);
	bool made = false;
	int rc = store_url_check(text, why);

	if (rc || !url_is_sqlite(text))
		return rc;
	rc = sqlite_file_make(url_sqlite_path(text).at, &made, why);
	if (made)
		log_info("creating a new store; if you expected an existing one, stop and check "
			 "the path",
			 log_slice("file", url_sqlite_path(text)));
	return rc;
}

static void warn_of_ignored(const char *url)
{
	struct buf for_libpq;
	struct buf ignored;

	buf_init(&for_libpq, URL_MAX);
	buf_init(&ignored, URL_MAX);
	if (url_is_postgres(str_of(url)))
		url_write_for_libpq(&for_libpq, str_of(url), &ignored);
	if (ignored.len > 0)
		log_warn("parameters of the control plane's driver in DATABASE_URL are ignored",
			 log_slice("parameters", buf_str(&ignored)));
	if (for_libpq.bytes)
		explicit_bzero(for_libpq.bytes, for_libpq.cap);
	buf_done(&for_libpq);
	buf_done(&ignored);
}

int store_migrate(const char *url, struct reason *why)
{
	struct reason unread;
	struct db *db = NULL;

	warn_of_ignored(url);

	int rc = db_open_current(url, &db, why ? why : &unread);

	db_close(db);
	return rc;
}

static int take_busy(const struct db_row *row, void *arg)
{
	*(bool *)arg = row_int(row, 0) != 0;
	return 0;
}

int store_checkpoint(const char *url, struct reason *why)
{
	static const struct db_query checkpoint = { .sql = "PRAGMA wal_checkpoint(TRUNCATE)" };
	/* The checkpoint waits for readers while it holds the write lock, and other processes may
	 * want to write. */
	static const char short_wait[] = "PRAGMA busy_timeout = 1000";
	struct db *db = NULL;
	bool is_busy = false;
	int rc;

	if (!url_is_sqlite(str_of(url)))
		return 0;
	rc = db_open(url, true, &db, why);
	if (rc)
		return rc;
	rc = db_exec(db, short_wait);
	if (!rc)
		rc = db_run_now(db, &checkpoint, NULL, 0, take_busy, &is_busy, NULL);
	if (rc || is_busy)
		rc = reason_set(why, rc ? rc : -EBUSY, "DATABASE_URL", "%s",
				is_busy ? "another program is using the SQLite file" : db->fault);
	db_close(db);
	return rc;
}

int store_run_blocking(const char *url, struct store_job *job, struct reason *why)
{
	struct reason unread;
	struct db *db = NULL;
	int rc = db_open_current(url, &db, why ? why : &unread);

	if (rc)
		return rc;
	db->fault[0] = '\0';
	job_run_alone(db, job);
	rc = job->rc;
	if (rc && db->fault[0])
		(void)reason_set(why, rc, "", "the database refused: %s", db->fault);
	db_close(db);
	return rc;
}

int store_read_blocking(const char *url, struct store_job *job, struct reason *why)
{
	char identity[DB_IDENTITY_SIZE] = "";
	struct reason unread;
	struct db *db = NULL;
	int rc = db_open_same(url, false, identity, &db, why ? why : &unread);

	if (rc)
		return rc;
	job_run_reading(db, job);
	db_close(db);
	return job->rc;
}
