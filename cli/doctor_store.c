/* SPDX-License-Identifier: Apache-2.0 */

/* Checks for problems that occur with a store in practice. Opens it as `serve` would and changes
 * nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cli/doctor_checks.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "store/store.h"
#include "targets/targets.h"

#define FREE_LEAST_MB 1024
#define WAL_MOST_MB   1024
#define CLOCK_WARN_US 2000000

static const char *remedy_for(int rc)
{
	switch (rc) {
	case -ENOENT:
		return "start the service, which makes it";
	case -ESTALE:
		return "start the service, which updates it";
	case -EPERM:
		return "run the GRANT as the owner of the database";
	case -ENOTSUP:
		return "use the newer program, or pool_mode=session in PgBouncer";
	default:
		return "check DATABASE_URL, the server and the way there";
	}
}

static void add_pooling(struct findings *findings, bool is_pooled)
{
	findings_add(findings, FINDING_OK, "database pooling", NULL, "%s",
		     is_pooled ? "a pooler in session mode" : "none");
}

static void check_store(struct findings *findings, int rc, const struct reason *why)
{
	enum finding level = FINDING_FAULT;

	if (rc == 0) {
		findings_add(findings, FINDING_OK, "database", NULL,
			     "reachable, the schema is current, no right is missing");
		return;
	}
	if (rc == -ENOENT || rc == -ESTALE)
		level = FINDING_WARNING;
	findings_add(findings, level, "database", remedy_for(rc), "%s",
		     why->text[0] ? why->text : errno_text(rc));
}

static void check_key(struct findings *findings, const struct config *config)
{
	struct reason why = { .text = "" };
	int rc = key_check(config->database_url, config->encryption_key, KEY_LOOK, &why);

	if (rc == -EKEYREJECTED)
		findings_add(findings, FINDING_FAULT, "encryption key",
			     "use the key that the store was encrypted with", "%s", why.text);
	else if (rc < 0)
		findings_add(findings, FINDING_WARNING, "encryption key",
			     "check that the user of DATABASE_URL may read every table",
			     "cannot compare the key: %s", why.text[0] ? why.text : errno_text(rc));
	else
		findings_add(findings, FINDING_OK, "encryption key", NULL,
			     "fits the stored channels");
	if (config->key_is_open)
		findings_add(findings, FINDING_WARNING, "key file", "chmod 600 the file",
			     "other users can access it");
}

struct clock_job {
	struct store_job job;
	int64_t theirs_us;
};

static int take_time(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static int read_clock(struct db *db, struct store_job *job)
{
	static const struct db_query now = {
		.sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
		.sqlite = "SELECT 0",
	};
	struct clock_job *clock = container_of(job, struct clock_job, job);

	return db_run_now(db, &now, NULL, 0, take_time, &clock->theirs_us, NULL);
}

static void check_clock(struct findings *findings, const char *url)
{
	struct clock_job clock = { .job = { .run = read_clock } };
	struct reason why = { .text = "" };

	if (store_read_blocking(url, &clock.job, &why) < 0)
		return;
	int64_t off_us = llabs(clock_wall_us() - clock.theirs_us);
	bool is_off = off_us > CLOCK_WARN_US;

	findings_add(findings, is_off ? FINDING_WARNING : FINDING_OK, "database clock",
		     is_off ? "run NTP on both machines" : NULL, "%" PRId64 " s from ours",
		     off_us / 1000000);
}

static void check_disk(struct findings *findings, const char *path)
{
	struct statvfs disk;
	struct stat wal;
	char wal_path[4096];
	int64_t free_mb;

	snprintf(wal_path, sizeof(wal_path), "%s-wal", path);
	if (statvfs(path, &disk) < 0)
		return;
	free_mb = (int64_t)(disk.f_bavail * disk.f_frsize / (1024 * 1024));
	findings_add(findings, free_mb < FREE_LEAST_MB ? FINDING_WARNING : FINDING_OK, "free disk",
		     free_mb < FREE_LEAST_MB ? "make room, or move the store" : NULL,
		     "%" PRId64 " MiB", free_mb);
	if (stat(wal_path, &wal) == 0) {
		int64_t wal_mb = wal.st_size / (1024 * 1024);

		findings_add(findings, wal_mb > WAL_MOST_MB ? FINDING_WARNING : FINDING_OK,
			     "write-ahead log",
			     wal_mb > WAL_MOST_MB ? "end the program that has read the store for a "
						    "long time"
						  : NULL,
			     "%" PRId64 " MiB", wal_mb);
	}
}

void doctor_check_store(struct findings *findings, const struct config *config)
{
	const char *url = config->database_url;
	bool is_sqlite = url_is_sqlite(str_of(url));
	struct reason why = { .text = "" };
	bool is_pooled = false;
	int rc = store_inspect(url, &is_pooled, &why);

	check_store(findings, rc, &why);
	if (is_sqlite)
		check_disk(findings, url_sqlite_path(str_of(url)).at);
	if (rc < 0)
		return;
	check_key(findings, config);
	if (is_sqlite)
		return;
	add_pooling(findings, is_pooled);
	check_clock(findings, url);
}
