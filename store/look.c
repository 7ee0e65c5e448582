/* SPDX-License-Identifier: Apache-2.0 */

/* A look at a store that changes nothing: which one a URL names, and whether it is there. */
#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/engine.h"
#include "store/schema.h"
#include "store/url.h"

/* From the root, also when the file does not exist yet. */
static void name_file(struct buf *out, const char *path)
{
	char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0);

	if (folder) {
		buf_add_text(out, folder);
		buf_add_char(out, '/');
	}
	buf_add_text(out, path);
	free(folder);
}

static const char *value_of(const PQconninfoOption *parts, const char *keyword)
{
	for (; parts->keyword; parts++)
		if (strcmp(parts->keyword, keyword) == 0)
			return parts->val && parts->val[0] ? parts->val : NULL;
	return NULL;
}

static void name_database(struct buf *out, struct str url)
{
	PQconninfoOption *parts = NULL;
	const char *host;
	const char *database;
	struct buf for_libpq;

	buf_init(&for_libpq, URL_MAX);
	url_write_for_libpq(&for_libpq, url, NULL);
	if (!for_libpq.err)
		parts = PQconninfoParse(buf_text(&for_libpq), NULL);
	host = parts ? value_of(parts, "host") : NULL;
	database = parts ? value_of(parts, "dbname") : NULL;
	buf_addf(out, "the PostgreSQL database %s on %s", database ? database : "of the user",
		 host ? host : "this machine");
	PQconninfoFree(parts);
	if (for_libpq.bytes)
		explicit_bzero(for_libpq.bytes, for_libpq.cap);
	buf_done(&for_libpq);
}

void store_name(const char *url, struct buf *out)
{
	struct str text = str_of(url);

	if (url_is_sqlite(text))
		name_file(out, url_sqlite_path(text).at);
	else
		name_database(out, text);
}

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
