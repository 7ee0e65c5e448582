/* SPDX-License-Identifier: Apache-2.0 */

/* Which engine a URL needs, and whether the store is the right one with the right schema. */
#include "store/connect.h"

#include "store/engine.h"
#include "store/schema.h"
#include "store/url.h"

int db_open(const char *url, bool writable, struct db **out, struct reason *why)
{
	struct str text = str_of(url);
	int rc = store_url_check(text, why);

	if (rc)
		return rc;
	if (url_is_sqlite(text))
		return sqlite_engine.open(url_sqlite_path(text).at, writable, out, why);
	return postgres_engine.open(url, writable, out, why);
}

int db_open_current(const char *url, struct db **out, struct reason *why)
{
	struct db *db = NULL;
	int rc = db_open(url, true, &db, why);

	if (rc)
		return rc;
	rc = schema_migrate(db, why);
	if (rc) {
		db_close(db);
		return rc;
	}
	*out = db;
	return 0;
}

int db_open_same(const char *url, bool writable, char identity[DB_IDENTITY_SIZE], struct db **out,
		 struct reason *why)
{
	struct db *db = NULL;
	int rc = db_open(url, writable, &db, why);

	if (rc)
		return rc;
	/* A running service never migrates a store that has replaced its own. */
	if (writable && !identity[0])
		rc = schema_migrate(db, why);
	if (!rc)
		rc = schema_check_identity(db, identity, why);
	if (rc) {
		db_close(db);
		return rc;
	}
	*out = db;
	return 0;
}
