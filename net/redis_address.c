/* SPDX-License-Identifier: Apache-2.0 */

/*
 * REDIS_URL in its parts, and the files that TLS needs. User, password, host and path may be
 * percent-encoded. Errors name the part at fault. They repeat nothing of the URL except the name of
 * a parameter, because a password may be in it.
 */
#include "net/redis_address.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto.h"
#include "net/redis_tls.h"

#define FIELD                 "REDIS_URL"
#define DEFAULT_PORT          6379
#define DEFAULT_SENTINEL_PORT 26379
#define MAX_DB                1000000
#define PARAMETER_SHOWN       40 /* bytes of an unknown parameter's name */

static const struct scheme {
	const char *prefix;
	bool is_tls;
	bool is_sentinel;
} schemes[] = {
	{ "redis://", false, false },
	{ "rediss://", true, false },
	{ "redis+sentinel://", false, true },
	{ "rediss+sentinel://", true, true },
};

bool redis_host_is_same(const struct redis_host *a, const struct redis_host *b)
{
	return a->port == b->port && strcmp(a->name, b->name) == 0;
}

static int fault(struct reason *why, const char *text)
{
	return reason_set(why, -EINVAL, FIELD, "%s", text);
}

/* Copies `text` with %xx decoded; NUL may not be written that way. */
static int decode(struct str text, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c == '%') {
			uint8_t byte;

			if (text.len - i < 3 ||
			    !hex_decode((struct str){ text.at + i + 1, 2 }, &byte, 1))
				return -EINVAL;
			c = (char)byte;
			i += 2;
		}
		if (c == '\0' || len + 1 >= size)
			return -EINVAL;
		out[len++] = c;
	}
	out[len] = '\0';
	return 0;
}

/* ---- the database and the parameters --------------------------------------------------- */

static int take_db(struct str text, bool *is_set, struct redis_address *out, struct reason *why)
{
	unsigned long long db;

	if (!str_to_u64(text, &db) || db > MAX_DB)
		return fault(why, "the database must be a number");
	if (*is_set && out->db != (int)db)
		return fault(why, "it names two databases");
	*is_set = true;
	out->db = (int)db;
	return 0;
}

static bool can_be_shown(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!isalnum((unsigned char)name.at[i]) && name.at[i] != '_' && name.at[i] != '-')
			return false;
	}
	return name.len > 0 && name.len <= PARAMETER_SHOWN;
}

static int refuse_parameter(struct str name, struct reason *why)
{
	const char *hint = "";

	if (!can_be_shown(name))
		return fault(why, "it has an unknown parameter; only db is known");
	if (str_starts(name, STR("ssl")) || str_starts(name, STR("tls")))
		hint = "; for TLS use rediss://, and set WRENN_EVENTS_REDIS_CA_FILE, "
		       "_CERT_FILE and _KEY_FILE";
	return reason_set(why, -EINVAL, FIELD,
			  "the parameter \"%.*s\" is unknown; only db is known%s", STR_ARGS(name),
			  hint);
}

static int take_parameters(struct str query, bool has_db, struct redis_address *out,
			   struct reason *why)
{
	int rc = 0;

	while (rc == 0 && query.at) {
		struct str value = str_cut(&query, '&');
		struct str name = str_cut(&value, '=');

		if (!str_is(name, "db"))
			rc = refuse_parameter(name, why);
		else
			rc = take_db(value.at ? value : STR(""), &has_db, out, why);
	}
	return rc;
}

/* ---- who and where --------------------------------------------------------------------- */

static int take_login(struct str text, struct redis_address *out, struct reason *why)
{
	struct str rest = text;
	struct str user = str_cut(&rest, ':');
	char password[1024];
	int rc = -EINVAL;

	if (!rest.at)
		rest = STR("");
	if (decode(user, out->user, sizeof(out->user)) == 0 &&
	    decode(rest, password, sizeof(password)) == 0)
		rc = secret_set(&out->password, str_of(password));
	explicit_bzero(password, sizeof(password));
	if (rc == -EINVAL)
		return fault(why, "the user or password is malformed or too long");
	return rc;
}

static int take_host(struct str text, int default_port, struct redis_address *out,
		     struct reason *why)
{
	struct redis_host *host = &out->hosts[out->host_count];
	struct str name = text;
	const char *colon = memrchr(text.at, ':', text.len);
	const char *bracket = memrchr(text.at, ']', text.len);
	unsigned long long port = (unsigned)default_port;

	if (out->host_count == REDIS_MAX_HOSTS)
		return fault(why, "it names more than eight hosts");
	if (colon && (!bracket || colon > bracket)) {
		name.len = (size_t)(colon - text.at);
		if (!str_to_u64(str_from(text, name.len + 1), &port) || port == 0 || port > 65535)
			return fault(why, "the port must be 1 to 65535");
	}
	if (name.len >= 2 && name.at[0] == '[' && name.at[name.len - 1] == ']')
		name = (struct str){ name.at + 1, name.len - 2 };
	if (name.len == 0 || decode(name, host->name, sizeof(host->name)) != 0 ||
	    strpbrk(host->name, "[]/@ "))
		return fault(why, "the host is missing or malformed");
	host->port = (int)port;
	out->host_count++;
	return 0;
}

static int take_hosts(struct str text, const struct scheme *scheme, struct redis_address *out,
		      struct reason *why)
{
	int port = scheme->is_sentinel ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT;
	int rc = 0;

	if (!scheme->is_sentinel && memchr(text.at, ',', text.len))
		return fault(why,
			     "it names several hosts; write redis+sentinel://host,host/master-name "
			     "for Sentinel; a cluster of several shards cannot be used");
	while (rc == 0 && text.at)
		rc = take_host(str_cut(&text, ','), port, out, why);
	return rc;
}

/* [/db], and with Sentinel /name[/db]. */
static int take_path(struct str path, const struct scheme *scheme, bool *has_db,
		     struct redis_address *out, struct reason *why)
{
	struct str rest = path.len ? str_from(path, 1) : STR("");

	if (scheme->is_sentinel) {
		struct str name = str_cut(&rest, '/');

		if (name.len == 0)
			return fault(why, "the master's name is missing: "
					  "redis+sentinel://host,host/master-name");
		if (decode(name, out->master_name, sizeof(out->master_name)) != 0)
			return fault(why, "the master's name is malformed or too long");
	}
	if (rest.len == 0)
		return 0;
	return take_db(rest, has_db, out, why);
}

static int take_remote(struct str text, const struct scheme *scheme, struct redis_address *out,
		       struct reason *why)
{
	/* A '/' or '?' ends the authority, so a password must have both percent-encoded. */
	size_t end = 0;
	bool has_db = false;
	struct str hosts;
	struct str query;
	struct str path;
	const char *at;
	int rc = 0;

	while (end < text.len && !strchr("/?#", text.at[end]))
		end++;
	hosts = (struct str){ text.at, end };
	query = str_from(text, end);
	if (query.len && (memchr(query.at, '@', query.len) || memchr(query.at, '#', query.len)))
		return fault(why, "\"/\", \"?\" and \"#\" in the user or password must be written "
				  "%2F, %3F and %23");
	path = str_cut(&query, '?');
	at = memrchr(hosts.at, '@', hosts.len);
	if (at) {
		size_t len = (size_t)(at - hosts.at);

		rc = take_login((struct str){ hosts.at, len }, out, why);
		hosts = str_from(hosts, len + 1);
	}
	if (rc == 0)
		rc = take_hosts(hosts, scheme, out, why);
	if (rc == 0)
		rc = take_path(path, scheme, &has_db, out, why);
	return rc ? rc : take_parameters(query, has_db, out, why);
}

static int take_unix(struct str text, struct redis_address *out, struct reason *why)
{
	struct str query = text;
	struct str path = str_cut(&query, '?');

	if (path.len == 0 || path.at[0] != '/' || decode(path, out->path, sizeof(out->path)) != 0)
		return reason_set(why, -EINVAL, FIELD,
				  "the socket's path must be absolute and shorter than %zu bytes",
				  sizeof(out->path));
	return take_parameters(query, false, out, why);
}

static int take_url(struct str url, struct redis_address *out, struct reason *why)
{
	if (str_starts(url, STR("unix://")))
		return take_unix(str_from(url, 7), out, why);
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		struct str prefix = str_of(schemes[i].prefix);

		if (str_starts(url, prefix)) {
			out->is_tls = schemes[i].is_tls;
			return take_remote(str_from(url, prefix.len), &schemes[i], out, why);
		}
	}
	return fault(why, "must begin with redis://, rediss://, redis+sentinel://, "
			  "rediss+sentinel:// or unix://");
}

int redis_address_parse(struct str url, struct redis_address *out, struct reason *why)
{
	struct redis_address address = { .db = 0 };
	int rc = take_url(url, &address, why);

	if (rc) {
		redis_address_done(&address);
		return rc;
	}
	*out = address;
	return 0;
}

/* ---- with its files -------------------------------------------------------------------- */

int redis_address_read(const struct redis_settings *settings, struct redis_address *out,
		       struct reason *why)
{
	const struct redis_tls_files files = {
		.ca_file = settings->ca_file,
		.cert_file = settings->cert_file,
		.key_file = settings->key_file,
	};
	struct redis_address address;
	int rc = redis_address_parse(str_of(settings->url), &address, why);

	if (rc)
		return rc == -ENOMEM ? reason_set(why, rc, FIELD, "out of memory") : rc;
	if (settings->sentinel_password)
		rc = secret_set(&address.sentinel_password, str_of(settings->sentinel_password));
	if (rc == 0 && address.is_tls)
		rc = redis_tls_open(&files, &address.tls, why);
	if (rc == -ENOMEM)
		reason_set(why, rc, FIELD, "out of memory");
	if (rc) {
		redis_address_done(&address);
		return rc;
	}
	*out = address;
	return 0;
}

void redis_address_done(struct redis_address *address)
{
	secret_done(&address->password);
	secret_done(&address->sentinel_password);
	redis_tls_close(address->tls);
	address->tls = NULL;
}
