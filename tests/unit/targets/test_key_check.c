/* SPDX-License-Identifier: Apache-2.0 */

/* With another key than the store's the service does not start, so no delivery fails for it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <uv.h>

#include "core/clock.h"
#include "targets/key_check.h"
#include "targets/seal.h"
#include "tests/support/databases.h"
#include "tests/support/patience.h"

static const uint8_t first_key[SEAL_KEY_SIZE] = { 1 };
static const uint8_t other_key[SEAL_KEY_SIZE] = { 2 };

static int check(const struct database *database, const uint8_t key[SEAL_KEY_SIZE],
		 enum key_use use)
{
	struct reason why = { .text = "" };
	int rc = key_check(database->url, key, use, &why);

	if (rc == -EKEYREJECTED) {
		cr_expect_str_eq(why.field, "WRENN_ENCRYPTION_KEY");
		cr_expect_not_null(strstr(why.text, "--accept-key"), "%s", why.text);
	}
	return rc;
}

struct insertion {
	struct store_job job;
	const uint8_t *key;
};

static const struct db_query insert_team = {
	.sql = "INSERT INTO teams (id, name, slug) VALUES ($1, 't', 't')",
};
static const struct db_query insert_channel = {
	.sql = "INSERT INTO channels (id, team_id, name, provider, config) "
	       "VALUES ($1, $1, 'c', 'webhook', $2)",
};

static int run_insertion(struct db *db, struct store_job *job)
{
	const struct insertion *insertion = container_of(job, struct insertion, job);
	const struct provider_config config = {
		.count = 1,
		.fields = { { .name = "url", .value = STR("https://hooks.example.com/x") } },
	};
	const struct uuid id = { .bytes = { 7 } };
	struct buf sealed;
	int rc;

	buf_init(&sealed, SEALED_CONFIG_MAX);
	config_seal(&sealed, &config, insertion->key);

	const struct db_value values[] = { db_uuid(&id), db_json(buf_str(&sealed)) };

	rc = db_run_now(db, &insert_team, values, 1, NULL, NULL, NULL);
	if (rc == 0)
		rc = db_run_now(db, &insert_channel, values, 2, NULL, NULL, NULL);
	buf_done(&sealed);
	return rc;
}

static void add_channel(const struct database *database, const uint8_t key[SEAL_KEY_SIZE])
{
	struct insertion insertion = { .job.run = run_insertion, .key = key };

	cr_assert_eq(store_run_blocking(database->url, &insertion.job, NULL), 0);
}

static void refuses_another(enum database_engine engine)
{
	struct database database = database_make(engine);

	cr_expect_eq(check(&database, first_key, KEY_KEEP), 0, "a new store");
	cr_expect_eq(check(&database, first_key, KEY_KEEP), 0);
	cr_expect_eq(check(&database, first_key, KEY_LOOK), 0);
	cr_expect_eq(check(&database, other_key, KEY_LOOK), -EKEYREJECTED);
	cr_expect_eq(check(&database, other_key, KEY_KEEP), -EKEYREJECTED);
	cr_expect_eq(check(&database, first_key, KEY_KEEP), 0, "nothing was changed");

	cr_expect_eq(check(&database, other_key, KEY_ACCEPT), 0);
	cr_expect_eq(check(&database, other_key, KEY_KEEP), 0);
	cr_expect_eq(check(&database, first_key, KEY_KEEP), -EKEYREJECTED);
}

Test(key, that_is_not_the_stores_is_refused_on_sqlite)
{
	refuses_another(DATABASE_SQLITE);
}

Test(key, that_is_not_the_stores_is_refused_on_postgres)
{
	refuses_another(DATABASE_POSTGRES);
}

/* A store of an older version remembers no key, but its settings do. */
static void tries_the_settings(enum database_engine engine)
{
	struct database database = database_make(engine);

	add_channel(&database, first_key);
	cr_expect_eq(check(&database, other_key, KEY_LOOK), -EKEYREJECTED);
	cr_expect_eq(check(&database, other_key, KEY_KEEP), -EKEYREJECTED);
	cr_expect_eq(check(&database, first_key, KEY_KEEP), 0);
	cr_expect_eq(check(&database, other_key, KEY_KEEP), -EKEYREJECTED);
}

Test(key, is_tried_on_the_settings_of_an_older_store_on_sqlite)
{
	tries_the_settings(DATABASE_SQLITE);
}

Test(key, is_tried_on_the_settings_of_an_older_store_on_postgres)
{
	tries_the_settings(DATABASE_POSTGRES);
}

Test(key, a_look_makes_no_store)
{
	struct database database;
	struct reason why = { .text = "" };

	snprintf(database.url, sizeof(database.url), "sqlite:%s/no_%d/events.db",
		 getenv("TEST_DIR"), (int)getpid());
	cr_expect_eq(key_check(database.url, first_key, KEY_LOOK, &why), -ENOENT);
	cr_expect_eq(access(database.url + strlen("sqlite:"), F_OK), -1);
}

/* ---- two first starts ------------------------------------------------------------------------ */

struct start {
	const struct database *database;
	int rc;
};

static void start_with_other_key(void *arg)
{
	struct start *start = arg;

	start->rc = key_check(start->database->url, other_key, KEY_KEEP, NULL);
}

static void execute(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);

	cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s", PQerrorMessage(connection));
	PQclear(result);
}

/* The first has written its key and not committed yet, so the second finds none and waits. */
Test(key, of_the_first_of_two_starts_is_the_stores)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct start second = { .database = &database };
	PGconn *first = PQconnectdb(database.url);
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
	uv_thread_t thread;

	cr_assert_eq(check(&database, first_key, KEY_KEEP), 0);
	execute(first, "CREATE TABLE written AS SELECT * FROM wrenn_events.store_facts "
		       "WHERE name = 'sealed_text'");
	execute(first, "DELETE FROM wrenn_events.store_facts WHERE name = 'sealed_text'");
	execute(first, "BEGIN");
	execute(first, "INSERT INTO wrenn_events.store_facts SELECT * FROM written");
	cr_assert_eq(uv_thread_create(&thread, start_with_other_key, &second), 0);
	while (database_ask(&database, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0)
		cr_assert_lt(clock_mono_ms(), deadline_ms, "the second start does not wait");
	execute(first, "COMMIT");
	uv_thread_join(&thread);
	PQfinish(first);

	cr_expect_eq(second.rc, -EKEYREJECTED);
	cr_expect_eq(check(&database, first_key, KEY_KEEP), 0);
}
