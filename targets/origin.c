/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Splits both URLs with the parser that every other check uses, and joins the parts. A URL that
 * cannot be split is refused, because no request may go to an address that was not checked.
 */
#include "targets/origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "core/url.h"

const struct target_origin *origin_find(const struct target_origin *origins, size_t count,
					const char *provider)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(origins[i].provider, provider) == 0)
			return &origins[i];
	}
	return NULL;
}

/* True when the origin has only a scheme, a host and perhaps a port. */
static bool split_origin(const struct target_origin *origin, struct url_parts *out)
{
	struct str text = str_of(origin->origin);

	return !memchr(text.at, '?', text.len) && url_split(text, out) && out->path.len == 0;
}

int origin_apply(const struct target_origin *origin, struct outgoing *request)
{
	struct str url = buf_str(&request->url);
	struct url_parts to, from;
	struct buf changed;

	if (request->url.err)
		return request->url.err;
	if (!split_origin(origin, &to) || !url_split(url, &from))
		return -EINVAL;
	buf_init(&changed, request->url.limit);
	buf_add_text(&changed, origin->origin);
	/* everything after the authority */
	buf_add_str(&changed, str_from(url, (size_t)(from.path.at - url.at)));
	buf_done(&request->url);
	request->url = changed;
	return changed.err;
}

static int default_port(struct str scheme)
{
	return str_eq_nocase(scheme, STR("https")) ? 443 : 80;
}

static uint16_t port_of(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	return ntohs(address->sa_family == AF_INET ? v4->sin_port : v6->sin6_port);
}

static bool is_host(const struct sockaddr *address, const char *host)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	struct in6_addr literal; /* large enough for both */

	if (inet_pton(AF_INET, host, &literal) == 1)
		return address->sa_family == AF_INET &&
		       memcmp(&literal, &v4->sin_addr, sizeof(v4->sin_addr)) == 0;
	if (inet_pton(AF_INET6, host, &literal) == 1)
		return address->sa_family == AF_INET6 &&
		       memcmp(&literal, &v6->sin6_addr, sizeof(v6->sin6_addr)) == 0;
	return true;
}

bool origin_allows(const struct sockaddr *address, const void *origin)
{
	struct url_parts parts;
	unsigned long long port;
	char host[256];

	if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
		return false;
	if (!split_origin(origin, &parts) || parts.host.len >= sizeof(host))
		return false;
	if (!str_to_u64(parts.port, &port))
		port = (unsigned long long)default_port(parts.scheme);
	memcpy(host, parts.host.at, parts.host.len);
	host[parts.host.len] = '\0';
	return port_of(address) == port && is_host(address, host);
}

int origin_lead(const struct target_origin *origin, const struct guard *guard,
		struct outgoing *request, struct passage *out)
{
	if (!origin) {
		*out = (struct passage){ guard_allows, guard };
		return 0;
	}
	*out = (struct passage){ origin_allows, origin };
	return origin_apply(origin, request);
}
