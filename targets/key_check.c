/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tries the key on a known text, which the first key of a store has sealed. A store of an older
 * version has no such text. Then the key is tried on the settings themselves, and one that
 * decrypts is enough.
 *
 * Failure: with another key nothing is changed and the service does not start. So no delivery
 * fails for settings that cannot be decrypted.
 */
#include "targets/key_check.h"

#include <errno.h>

#include "store/store.h"
#include "targets/seal.h"

#define KNOWN_TEXT   "wrenn-events"
#define SEALED_BYTES 128
#define SAMPLE_LIMIT "100" /* settings to try */

static const struct db_query read_sealed = {
	.sql = "SELECT value FROM store_facts WHERE name = 'sealed_text'",
};
static const struct db_query add_sealed = {
	.sql = "INSERT INTO store_facts (name, value) VALUES ('sealed_text', $1) "
	       "ON CONFLICT (name) DO NOTHING",
};
static const struct db_query write_sealed = {
	.sql = "INSERT INTO store_facts (name, value) VALUES ('sealed_text', $1) "
	       "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
};
static const struct db_query sample_settings = {
	.sql = "SELECT provider, config FROM channels ORDER BY updated_at DESC LIMIT " SAMPLE_LIMIT,
};

struct key_check {
	struct store_job job;
	const uint8_t *key;
	enum key_use use;
	bool is_known;
	bool fits;
	int64_t opened;
	int64_t closed;
};

/* 0, or -ENOMEM. */
static int try_sealed(struct key_check *check, struct str sealed)
{
	struct buf text;
	int rc;

	buf_init(&text, SEALED_BYTES);
	rc = setting_open(&text, sealed, check->key);
	check->is_known = true;
	check->fits = rc == 0 && str_is(buf_str(&text), KNOWN_TEXT);
	buf_done(&text);
	return rc == -ENOMEM ? rc : 0;
}

static int on_sealed(const struct db_row *row, void *arg)
{
	return try_sealed(arg, row_text(row, 0));
}

static int on_settings(const struct db_row *row, void *arg)
{
	const struct provider *provider = provider_find(row_text(row, 0));
	struct key_check *check = arg;
	struct opened_config opened;
	int rc;

	if (!provider)
		return 0;
	rc = config_open(&opened, provider, row_text(row, 1), check->key);
	if (rc == -ENOMEM)
		return rc;
	if (rc == 0 && opened.config.count > 0)
		check->opened++;
	else if (rc < 0)
		check->closed++;
	if (rc == 0)
		opened_config_done(&opened);
	return 0;
}

static int keep_key(const struct key_check *check, struct db *db, const struct db_query *query)
{
	struct buf sealed;
	struct db_value value;
	int rc;

	buf_init(&sealed, SEALED_BYTES);
	setting_seal(&sealed, STR(KNOWN_TEXT), check->key);
	value = db_text(buf_str(&sealed));
	rc = sealed.err ? sealed.err : db_run_now(db, query, &value, 1, NULL, NULL, NULL);
	buf_done(&sealed);
	return rc;
}

static int run_check(struct db *db, struct store_job *job)
{
	struct key_check *check = container_of(job, struct key_check, job);
	int rc;

	check->is_known = false;
	check->opened = 0;
	check->closed = 0;
	rc = db_run_now(db, &read_sealed, NULL, 0, on_sealed, check, NULL);
	if (rc == 0)
		rc = db_run_now(db, &sample_settings, NULL, 0, on_settings, check, NULL);
	if (rc < 0)
		return rc;
	if (!check->is_known)
		check->fits = check->opened > 0 || check->closed == 0;
	if (check->use == KEY_ACCEPT)
		return keep_key(check, db, &write_sealed);
	if (check->use != KEY_KEEP || !check->fits || check->is_known)
		return 0;
	/* Two services may start at once. The second must find its own key. */
	rc = keep_key(check, db, &add_sealed);
	return rc < 0 ? rc : db_run_now(db, &read_sealed, NULL, 0, on_sealed, check, NULL);
}

int key_check(const char *database_url, const uint8_t key[SEAL_KEY_SIZE], enum key_use use,
	      struct reason *why)
{
	struct key_check check = { .job.run = run_check, .key = key, .use = use };
	int rc = use == KEY_LOOK ? store_read_blocking(database_url, &check.job, why)
				 : store_run_blocking(database_url, &check.job, why);

	if (rc < 0 || use == KEY_ACCEPT || check.fits)
		return rc;
	return reason_set(
		why, -EKEYREJECTED, "WRENN_ENCRYPTION_KEY",
		"another key sealed this store's settings (this one decrypts those of %lld of "
		"%lld channels): set that key again, or abandon those settings with `serve "
		"--accept-key`",
		(long long)check.opened, (long long)check.opened + (long long)check.closed);
}
