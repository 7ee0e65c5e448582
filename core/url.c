/* SPDX-License-Identifier: Apache-2.0 */

/*
 * libcurl is lenient: it takes "http:/h" and ":080", and it decodes hosts. So we compare the text
 * with what libcurl made of it, piece by piece, and refuse a URL that libcurl reads differently
 * than a person does.
 */
#include "core/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>

#define URL_MAX_HOST 253 /* of a name in DNS */

#define NOT_HTTP     "does not begin with https:// or http://"
#define BAD_BYTE     "has a space, a line end or another character that no URL has"
#define BAD_HOST     "has no valid host name"
#define BAD_IPV6     "has something in brackets that is not an IPv6 address"
#define BAD_PORT     "has a port that is not a number from 1 to 65535"
#define HAS_USER     "has a user name or password in it"
#define NO_MEMORY    "could not be checked: out of memory"

/* The parts as libcurl parsed them; NULL when the URL has no such part. */
struct parsed {
	char *scheme;
	char *host; /* in brackets for IPv6 */
	char *port;
};

static bool has_only_url_bytes(struct str url)
{
	for (size_t i = 0; i < url.len; i++) {
		unsigned char c = (unsigned char)url.at[i];

		if (c <= ' ' || c == 0x7f || c == '\\')
			return false;
	}
	return true;
}

static const char *word_for(CURLUcode code)
{
	switch (code) {
	case CURLUE_OUT_OF_MEMORY:
		return NO_MEMORY;
	case CURLUE_USER_NOT_ALLOWED:
		return HAS_USER;
	case CURLUE_BAD_PORT_NUMBER:
		return BAD_PORT;
	case CURLUE_BAD_IPV6:
		return BAD_IPV6;
	case CURLUE_BAD_HOSTNAME:
	case CURLUE_NO_HOST:
		return BAD_HOST;
	default:
		return NOT_HTTP;
	}
}

static void take_part(CURLU *url, CURLUPart part, char **out, CURLUcode absent, const char **fault)
{
	CURLUcode code = curl_url_get(url, part, out, 0);

	if (code != CURLUE_OK && code != absent && !*fault)
		*fault = word_for(code);
}

static const char *parse(const char *text, struct parsed *out)
{
	CURLU *url = curl_url();
	const char *fault = NULL;
	CURLUcode code;

	if (!url)
		return NO_MEMORY;
	code = curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER | CURLU_PATH_AS_IS);
	if (code != CURLUE_OK)
		fault = word_for(code);
	if (!fault)
		take_part(url, CURLUPART_SCHEME, &out->scheme, CURLUE_OK, &fault);
	if (!fault)
		take_part(url, CURLUPART_HOST, &out->host, CURLUE_OK, &fault);
	if (!fault)
		take_part(url, CURLUPART_PORT, &out->port, CURLUE_NO_PORT, &fault);
	curl_url_cleanup(url);
	return fault;
}

static void parsed_done(struct parsed *parsed)
{
	curl_free(parsed->scheme);
	curl_free(parsed->host);
	curl_free(parsed->port);
}

/* ---- the text against what libcurl understood --------------------------------------------- */

static struct str take(struct str *rest, size_t n)
{
	struct str piece = { .at = rest->at, .len = n };

	*rest = str_from(*rest, n);
	return piece;
}

static bool take_text(struct str *rest, const char *text, struct str *out)
{
	struct str wanted = str_of(text);

	if (rest->len < wanted.len ||
	    !str_eq_nocase((struct str){ .at = rest->at, .len = wanted.len }, wanted))
		return false;
	*out = take(rest, wanted.len);
	return true;
}

static bool is_host_name(struct str host)
{
	for (size_t i = 0; i < host.len; i++) {
		if (!isalnum((unsigned char)host.at[i]) && !strchr("-._", host.at[i]))
			return false;
	}
	return host.len > 0 && host.len <= URL_MAX_HOST && host.at[0] != '.';
}

static bool is_ipv6(struct str host)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (host.len >= sizeof(copy))
		return false;
	memcpy(copy, host.at, host.len);
	copy[host.len] = '\0';
	return inet_pton(AF_INET6, copy, &address) == 1;
}

static size_t find_any(struct str text, const char *stops)
{
	size_t at = 0;

	while (at < text.len && !strchr(stops, text.at[at]))
		at++;
	return at;
}

/* libcurl rewrites "127.1" or "0x7f000001" to 127.0.0.1. It is left to the guard, which refuses
 * such spellings unless private addresses are allowed. */
static bool take_name(struct str *rest, const char *host, struct str *out)
{
	struct in_addr address;

	if (!take_text(rest, host, out)) {
		if (inet_pton(AF_INET, host, &address) != 1)
			return false;
		*out = take(rest, find_any(*rest, ":/?"));
	}
	return is_host_name(*out);
}

/* libcurl rewrites an IPv6 address to its shortest form. */
static const char *take_host(struct str *rest, const char *host, struct str *out)
{
	const char *close;

	if (host[0] != '[')
		return take_name(rest, host, out) ? NULL : BAD_HOST;
	close = rest->len && rest->at[0] == '[' ? memchr(rest->at, ']', rest->len) : NULL;
	if (!close)
		return BAD_IPV6;
	*rest = str_from(*rest, 1);
	*out = take(rest, (size_t)(close - rest->at));
	*rest = str_from(*rest, 1);
	return is_ipv6(*out) ? NULL : BAD_IPV6;
}

static const char *split(struct str url, const struct parsed *parsed, struct url_parts *out)
{
	struct url_parts parts = { .port = STR(""), .path = STR(""), .query = STR("") };
	struct str rest = url;
	struct str separator;
	const char *fault;
	const char *query;

	if ((strcmp(parsed->scheme, "http") != 0 && strcmp(parsed->scheme, "https") != 0) ||
	    !take_text(&rest, parsed->scheme, &parts.scheme) ||
	    !take_text(&rest, "://", &separator))
		return NOT_HTTP;
	fault = take_host(&rest, parsed->host, &parts.host);
	if (fault)
		return fault;
	if (parsed->port &&
	    (!take_text(&rest, ":", &separator) || !take_text(&rest, parsed->port, &parts.port) ||
	     str_is(parts.port, "0")))
		return BAD_PORT;
	if (rest.len && rest.at[0] == ':')
		return BAD_PORT;
	if (rest.len && rest.at[0] != '/' && rest.at[0] != '?')
		return BAD_HOST;
	query = memchr(rest.at, '?', rest.len);
	parts.path = take(&rest, query ? (size_t)(query - rest.at) : rest.len);
	if (query)
		parts.query = str_from(rest, 1);
	*out = parts;
	return NULL;
}

const char *url_fault(struct str url, struct url_parts *out)
{
	struct parsed parsed = { .port = NULL };
	const char *fault;
	char *text;

	if (memchr(url.at, '#', url.len))
		return "has a part after #, which no server would see";
	if (!has_only_url_bytes(url))
		return BAD_BYTE;
	text = strndup(url.at, url.len);
	if (!text)
		return NO_MEMORY;
	fault = parse(text, &parsed);
	if (!fault)
		fault = split(url, &parsed, out);
	parsed_done(&parsed);
	free(text);
	return fault;
}

bool url_split(struct str url, struct url_parts *out)
{
	return url_fault(url, out) == NULL;
}
