/* SPDX-License-Identifier: Apache-2.0 */

/*
 * REDIS_URL in its parts. Pure. User, password and path may be percent-encoded. Nothing of the
 * URL is repeated in a fault's sentence, because a password may stand in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "net/redis.h"

#define FIELD        "REDIS_URL"
#define DEFAULT_PORT 6379
#define MAX_DB       1000000

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

static int parse_db(struct str text, struct redis_address *out, struct reason *why)
{
	unsigned long long db;

	if (!str_to_u64(text, &db) || db > MAX_DB)
		return reason_set(why, -EINVAL, FIELD, "the database must be a number");
	out->db = (int)db;
	return 0;
}

static int parse_parameters(struct str text, struct redis_address *out, struct reason *why)
{
	if (!str_starts(text, STR("db=")))
		return reason_set(why, -EINVAL, FIELD, "the only parameter is db");
	return parse_db(str_from(text, 3), out, why);
}

static int parse_login(struct str text, struct redis_address *out, struct reason *why)
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
		return reason_set(why, rc, FIELD, "the user or password is malformed or too long");
	return rc;
}

static int parse_host(struct str text, struct redis_address *out, struct reason *why)
{
	struct str host = text;
	const char *colon = memrchr(text.at, ':', text.len);
	const char *bracket = memrchr(text.at, ']', text.len);
	unsigned long long number = DEFAULT_PORT;

	if (colon && (!bracket || colon > bracket)) {
		host.len = (size_t)(colon - text.at);
		if (!str_to_u64(str_from(text, host.len + 1), &number) || number == 0 ||
		    number > 65535)
			return reason_set(why, -EINVAL, FIELD, "the port must be 1 to 65535");
	}
	if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
		host = (struct str){ host.at + 1, host.len - 2 };
	if (host.len == 0 || decode(host, out->host, sizeof(out->host)) != 0 ||
	    strpbrk(out->host, "[]/@ "))
		return reason_set(why, -EINVAL, FIELD, "the host is missing or malformed");
	out->port = (int)number;
	return 0;
}

static int parse_tcp(struct str text, struct redis_address *out, struct reason *why)
{
	/* A '/' or '?' ends the authority, and only then may an '@' stand in it. */
	size_t end = 0;
	const char *at;
	struct str authority;
	struct str path;
	int rc;

	while (end < text.len && text.at[end] != '/' && text.at[end] != '?')
		end++;
	authority = (struct str){ text.at, end };
	path = str_from(text, end);
	at = memrchr(authority.at, '@', authority.len);
	if (at) {
		size_t login_len = (size_t)(at - authority.at);

		rc = parse_login((struct str){ authority.at, login_len }, out, why);
		if (rc)
			return rc;
		authority = str_from(authority, login_len + 1);
	}
	rc = parse_host(authority, out, why);
	if (rc || path.len == 0 || str_is(path, "/"))
		return rc;
	if (path.at[0] == '?')
		return parse_parameters(str_from(path, 1), out, why);
	return parse_db(str_from(path, 1), out, why);
}

static int parse_unix(struct str text, struct redis_address *out, struct reason *why)
{
	struct str rest = text;
	struct str path = str_cut(&rest, '?');

	if (path.len == 0 || path.at[0] != '/' || decode(path, out->path, sizeof(out->path)) != 0)
		return reason_set(why, -EINVAL, FIELD,
				  "the socket's path must be absolute and shorter than %zu bytes",
				  sizeof(out->path));
	return rest.at ? parse_parameters(rest, out, why) : 0;
}

int redis_address_parse(struct str url, struct redis_address *out, struct reason *why)
{
	struct redis_address address = { .port = 0 };
	int rc;

	if (str_starts(url, STR("redis://")))
		rc = parse_tcp(str_from(url, 8), &address, why);
	else if (str_starts(url, STR("unix://")))
		rc = parse_unix(str_from(url, 7), &address, why);
	else if (str_starts(url, STR("rediss://")))
		rc = reason_set(
			why, -EINVAL, FIELD,
			"rediss:// needs TLS, which this build cannot speak to Redis; use a "
			"TLS tunnel (such as stunnel) and redis:// or unix:// to its end here");
	else
		rc = reason_set(why, -EINVAL, FIELD, "must begin with redis:// or unix://");
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
}
