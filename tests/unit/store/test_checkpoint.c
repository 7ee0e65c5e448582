/* SPDX-License-Identifier: Apache-2.0 */

/* What SQLite's log holds goes into the file, whoever else has it open. */
#include <sqlite3.h>
#include <sys/stat.h>

#include "tests/unit/store/jobs.h"

static const char *path_of(const struct database *database)
{
	return database->url + strlen("sqlite:");
}

static int64_t log_bytes(const struct database *database)
{
	struct stat status;
	char path[600];

	snprintf(path, sizeof(path), "%s-wal", path_of(database));
	return stat(path, &status) ? -1 : (int64_t)status.st_size;
}

/* Another program that has the file open: it is the last to close it. */
static sqlite3 *open_beside(const struct database *database, const char *sql)
{
	sqlite3 *other = NULL;

	cr_assert_eq(sqlite3_open(path_of(database), &other), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
	return other;
}

static int insert_one(struct db *db, void *arg)
{
	(void)arg;
	return insert_number(db, 1, false, NULL);
}

Test(checkpoint, leaves_everything_in_the_file)
{
	struct database database = database_make(DATABASE_SQLITE);
	sqlite3 *other = open_beside(&database, "SELECT count(*) FROM positions");
	struct reason why = { .text = "" };

	cr_assert_eq(run_script(&database, insert_one, NULL), 0);
	cr_assert_gt(log_bytes(&database), 0);
	cr_expect_eq(store_checkpoint(database.url, &why), 0, "%s", why.text);
	cr_expect_eq(log_bytes(&database), 0);
	sqlite3_close(other);
	cr_expect_eq(database_ask(&database, "SELECT count(*) FROM positions"), 1);
}

Test(checkpoint, says_that_another_program_is_in_the_way)
{
	struct database database = database_make(DATABASE_SQLITE);
	sqlite3 *other = open_beside(&database, "BEGIN; SELECT count(*) FROM positions");
	struct reason why = { .text = "" };

	cr_assert_eq(run_script(&database, insert_one, NULL), 0);
	cr_expect_eq(store_checkpoint(database.url, &why), -EBUSY);
	cr_expect_str_eq(why.text, "another program is using the SQLite file");
	sqlite3_close(other);
}

Test(checkpoint, makes_no_file_and_asks_nothing_of_postgres)
{
	struct reason why = { .text = "" };
	char url[512];

	snprintf(url, sizeof(url), "sqlite:%s/away_%d.db", getenv("TEST_DIR"), (int)getpid());
	cr_expect_eq(store_checkpoint(url, &why), -ENOENT);
	cr_expect_neq(access(url + strlen("sqlite:"), F_OK), 0);
	cr_expect_eq(store_checkpoint("postgres://u:s3cr3t@localhost:1/db", &why), 0);
}
