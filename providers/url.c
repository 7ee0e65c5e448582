/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Splits a URL by rules narrower than RFC 3986, so that no two readers (this check, the guard,
 * libcurl) can disagree about which host it names: nothing in the host is percent-encoded or
 * outside ASCII, and there is no user info to hide one in. Path and query stay as they are.
 */
#include "providers/url.h"

#include <ctype.h>
#include <string.h>

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

/* Only the alphabet: whether it is an address is for the guard to find out. But an IPv4 address
 * in brackets is none, and libcurl would take it for a name: an IPv6 address has two colons at
 * least. */
static bool is_ipv6_text(struct str host)
{
	unsigned colons = 0;

	for (size_t i = 0; i < host.len; i++) {
		if (!isxdigit((unsigned char)host.at[i]) && !strchr(":.", host.at[i]))
			return false;
		colons += host.at[i] == ':' ? 1 : 0;
	}
	return colons >= 2 && host.len <= 45;
}

static bool is_port(struct str port)
{
	unsigned long long number;

	return port.len <= 5 && str_to_u64(port, &number) && number >= 1 && number <= 65535;
}

/* host, host:port, [v6] or [v6]:port. */
static const char *split_authority(struct str authority, struct url_parts *out)
{
	if (memchr(authority.at, '@', authority.len))
		return "has a user name or password in it";
	if (authority.len && authority.at[0] == '[') {
		size_t close = find_any(authority, "]");

		out->host = (struct str){ .at = authority.at + 1, .len = close ? close - 1 : 0 };
		if (close == authority.len || !is_ipv6_text(out->host))
			return "has something in brackets that is no IPv6 address";
		take(&authority, close + 1);
	} else {
		out->host = take(&authority, find_any(authority, ":"));
		if (!is_host_name(out->host))
			return "has no valid host name";
	}
	if (authority.len == 0)
		return NULL;
	out->port = str_from(authority, 1);
	return authority.at[0] == ':' && is_port(out->port)
		       ? NULL
		       : "has a port that is no number from 1 to 65535";
}

const char *url_fault(struct str url, struct url_parts *out)
{
	struct url_parts parts = { .port = STR(""), .path = STR(""), .query = STR("") };
	struct str rest = url;
	const char *fault;

	parts.scheme = take(&rest, find_any(rest, ":"));
	if (!str_starts(rest, STR("://")) || (!str_eq_nocase(parts.scheme, STR("http")) &&
					      !str_eq_nocase(parts.scheme, STR("https"))))
		return "does not begin with https:// or http://";
	if (memchr(url.at, '#', url.len))
		return "has a part after #, which no server would see";
	if (!has_only_url_bytes(url))
		return "has a space, a line end or another character that no URL has";
	take(&rest, 3);
	fault = split_authority(take(&rest, find_any(rest, "/?")), &parts);
	if (fault)
		return fault;
	parts.path = take(&rest, find_any(rest, "?"));
	if (rest.len)
		parts.query = str_from(rest, 1);
	*out = parts;
	return NULL;
}

bool url_split(struct str url, struct url_parts *out)
{
	return url_fault(url, out) == NULL;
}

const char *url_hook_fault(struct str url, struct url_parts *out)
{
	struct url_parts parts;
	const char *fault = url_fault(url, &parts);

	if (fault)
		return fault;
	if (!str_eq_nocase(parts.scheme, STR("https")))
		return "does not begin with https://";
	if (parts.port.len && !str_is(parts.port, "443"))
		return "names a port other than 443";
	while (parts.path.len && parts.path.at[parts.path.len - 1] == '/')
		parts.path.len--;
	*out = parts;
	return NULL;
}

void url_write_hook(struct buf *out, const struct url_parts *parts, struct str query)
{
	buf_add_text(out, "https://");
	buf_add_str(out, parts->host);
	if (parts->port.len) {
		buf_add_char(out, ':');
		buf_add_str(out, parts->port);
	}
	buf_add_str(out, parts->path);
	if (query.len) {
		buf_add_char(out, '?');
		buf_add_str(out, query);
	}
}
