/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Splits a URL by rules narrower than RFC 3986, so that no two readers (this check, the guard,
 * libcurl) can disagree about which host it names: nothing in the host is percent-encoded or
 * outside ASCII, and there is no user info to hide one in. Path and query stay as they are.
 */
#include <ctype.h>

#include "providers/builtin.h"

#define URL_MAX_HOST 253 /* of a name in DNS */

static bool has_only_url_bytes(struct str url)
{
	for (size_t i = 0; i < url.len; i++) {
		unsigned char c = (unsigned char)url.at[i];

		if (c <= ' ' || c == 0x7f || c == '#' || c == '\\')
			return false;
	}
	return true;
}

static size_t find_any(struct str text, const char *stops)
{
	size_t at = 0;

	while (at < text.len && !strchr(stops, text.at[at]))
		at++;
	return at;
}

static struct str take(struct str *rest, size_t n)
{
	struct str piece = { .at = rest->at, .len = n };

	*rest = str_from(*rest, n);
	return piece;
}

static bool is_host_name(struct str host)
{
	for (size_t i = 0; i < host.len; i++) {
		if (!isalnum((unsigned char)host.at[i]) && !strchr("-._", host.at[i]))
			return false;
	}
	return host.len > 0 && host.len <= URL_MAX_HOST && host.at[0] != '.';
}

/* Only the alphabet: whether it is an address is for the guard to find out. */
static bool is_ipv6_text(struct str host)
{
	for (size_t i = 0; i < host.len; i++) {
		if (!isxdigit((unsigned char)host.at[i]) && !strchr(":.", host.at[i]))
			return false;
	}
	return host.len >= 2 && host.len <= 45;
}

static bool is_port(struct str port)
{
	unsigned long long number;

	return port.len <= 5 && str_to_u64(port, &number) && number >= 1 && number <= 65535;
}

/* host, host:port, [v6] or [v6]:port. */
static bool split_authority(struct str authority, struct url_parts *out)
{
	if (authority.len && authority.at[0] == '[') {
		size_t close = find_any(authority, "]");

		if (close == authority.len)
			return false;
		out->host = (struct str){ .at = authority.at + 1, .len = close - 1 };
		take(&authority, close + 1);
		if (!is_ipv6_text(out->host))
			return false;
	} else {
		out->host = take(&authority, find_any(authority, ":"));
		if (!is_host_name(out->host))
			return false;
	}
	if (authority.len == 0)
		return true;
	if (authority.at[0] != ':')
		return false;
	out->port = str_from(authority, 1);
	return is_port(out->port);
}

bool url_split(struct str url, struct url_parts *out)
{
	struct url_parts parts = { .port = STR(""), .path = STR(""), .query = STR("") };
	struct str rest = url;

	if (!has_only_url_bytes(url))
		return false;
	parts.scheme = take(&rest, find_any(rest, ":"));
	if (!str_starts(rest, STR("://")) || (!str_eq_nocase(parts.scheme, STR("http")) &&
					      !str_eq_nocase(parts.scheme, STR("https"))))
		return false;
	take(&rest, 3);
	if (!split_authority(take(&rest, find_any(rest, "/?")), &parts))
		return false;
	parts.path = take(&rest, find_any(rest, "?"));
	if (rest.len)
		parts.query = str_from(rest, 1);
	*out = parts;
	return true;
}

bool url_split_https(struct str url, struct url_parts *out)
{
	struct url_parts parts;

	if (!url_split(url, &parts) || !str_eq_nocase(parts.scheme, STR("https")) ||
	    (parts.port.len && !str_is(parts.port, "443")))
		return false;
	*out = parts;
	return true;
}

bool str_ends_nocase(struct str text, struct str end)
{
	return text.len >= end.len && str_eq_nocase(str_from(text, text.len - end.len), end);
}

bool is_made_of_alnum(struct str text, const char *also, size_t max)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!isalnum((unsigned char)text.at[i]) &&
		    (!text.at[i] || !strchr(also, text.at[i])))
			return false;
	}
	return text.len > 0 && text.len <= max;
}
