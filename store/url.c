/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The form of a database URL, and its name for a person. Nothing is opened here. The faults name
 * what is wrong and never show the URL, which may hold a password.
 */
#include "store/url.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/utf8.h"

bool url_is_sqlite(struct str url)
{
	return str_starts(url, STR("sqlite:"));
}

bool url_is_postgres(struct str url)
{
	return str_starts(url, STR("postgres://")) || str_starts(url, STR("postgresql://"));
}

struct str url_sqlite_path(struct str url)
{
	return str_from(url, sizeof("sqlite:") - 1);
}

static bool has_control_byte(struct str url)
{
	for (size_t i = 0; i < url.len; i++)
		if ((unsigned char)url.at[i] < 0x20 || url.at[i] == 0x7f)
			return true;
	return false;
}

static int check_sqlite(struct str path, struct reason *why)
{
	if (!path.len)
		return reason_set(why, -EINVAL, "DATABASE_URL",
				  "sqlite: needs the path of a file after it");
	if (path.at[path.len - 1] == '/')
		return reason_set(why, -EINVAL, "DATABASE_URL",
				  "sqlite: needs the path of a file, not of a folder");
	if (str_starts(path, STR(":")))
		return reason_set(why, -EINVAL, "DATABASE_URL",
				  "a SQLite database in memory cannot be shared; name a file");
	if (memchr(path.at, '?', path.len))
		return reason_set(why, -EINVAL, "DATABASE_URL",
				  "a sqlite: URL takes no parameters (there is a '?' in it)");
	return 0;
}

/* ---- parameters of another driver ---------------------------------------------------------- */

/* Only these are ignored: otherwise a misspelled "sslmode" would be ignored as well. */
static const char *const pgx_names[] = {
	"default_query_exec_mode", "description_cache_capacity", "min_read_buffer_size",
	"prefer_simple_protocol",  "statement_cache_capacity",   "statement_cache_mode",
};

static bool is_of_pgx(struct str name)
{
	if (str_starts(name, STR("pool_")))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(pgx_names); i++)
		if (str_is(name, pgx_names[i]))
			return true;
	return false;
}

void url_write_for_libpq(struct buf *out, struct str url, struct buf *ignored)
{
	struct str rest = url;
	char separator = '?';

	buf_add_str(out, str_cut(&rest, '?'));
	while (rest.len > 0) {
		struct str parameter = str_cut(&rest, '&');
		struct str value = parameter;
		struct str name = str_cut(&value, '=');

		if (is_of_pgx(name)) {
			if (ignored && ignored->len > 0)
				buf_add_text(ignored, ", ");
			if (ignored)
				buf_add_str(ignored, name);
			continue;
		}
		buf_add_char(out, separator);
		buf_add_str(out, parameter);
		separator = '&';
	}
}

/* ---- checks -------------------------------------------------------------------------------- */

/* With a bare '@' or '/' a part of the password ends up in host or port, which libpq's messages in
 * the log repeat. A host with a '/' in front is the folder of a socket. */
static bool has_torn_host(const PQconninfoOption *parts)
{
	for (; parts->keyword; parts++) {
		const char *value = parts->val ? parts->val : "";

		if (strcmp(parts->keyword, "host") == 0 && strpbrk(value, "@?#"))
			return true;
		if (strcmp(parts->keyword, "host") == 0 && *value != '/' && strchr(value, '/'))
			return true;
		if (strcmp(parts->keyword, "port") == 0 &&
		    value[strspn(value, "0123456789,")] != '\0')
			return true;
	}
	return false;
}

static int check_postgres(struct str url, struct reason *why)
{
	struct buf copy;

	buf_init(&copy, URL_MAX);
	url_write_for_libpq(&copy, url, NULL);
	const char *text = buf_text(&copy);
	PQconninfoOption *parts = text ? PQconninfoParse(text, NULL) : NULL;
	buf_done(&copy);
	if (!text)
		return reason_set(why, -ENOMEM, "DATABASE_URL", "out of memory");
	if (!parts)
		return reason_set(why, -EINVAL, "DATABASE_URL",
				  "not a PostgreSQL URL that libpq can read (percent-encode "
				  "special characters; check the parameter names)");
	bool is_torn = has_torn_host(parts);

	PQconninfoFree(parts);
	if (is_torn)
		return reason_set(
			why, -EINVAL, "DATABASE_URL",
			"the host or port is malformed (percent-encode special characters "
			"of user and password)");
	return 0;
}

int store_url_check(struct str url, struct reason *why)
{
	if (url.len > URL_MAX || has_control_byte(url) || !utf8_is_valid(url))
		return reason_set(why, -EINVAL, "DATABASE_URL",
				  "too long, or not plain text without control characters");
	if (url_is_sqlite(url))
		return check_sqlite(url_sqlite_path(url), why);
	if (url_is_postgres(url))
		return check_postgres(url, why);
	return reason_set(why, -EINVAL, "DATABASE_URL",
			  "must begin with sqlite:, postgres:// or postgresql://");
}

/* ---- for a person ---------------------------------------------------------------------- */

/* The absolute path, even when the file does not exist yet. */
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
