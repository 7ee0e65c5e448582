/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The target rules (contract d.7, W32). Two tables list the addresses that we never send to. A
 * name is allowed only if each of its addresses is.
 *
 * Failure: a name that does not resolve within 5 s is refused, and so is a host that is neither a
 * name nor an address. A running lookup cannot be cancelled; one that ends too late only frees
 * its memory.
 */
#include "targets/guard.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/share.h"
#include "core/url.h"

#define LOOKUP_MS     5000
#define LOOKUP_WEIGHT 1 /* in quarters of the free lookups, share_allows() */

/* ---- addresses ------------------------------------------------------------------------- */

static const struct {
	const char *prefix;
	unsigned bits;
} refused_v4[] = {
	{ "0.0.0.0", 8 },       /* this network */
	{ "10.0.0.0", 8 },      /* private */
	{ "100.64.0.0", 10 },   /* shared address space */
	{ "127.0.0.0", 8 },     /* loopback */
	{ "169.254.0.0", 16 },  /* link-local, where clouds keep their metadata */
	{ "172.16.0.0", 12 },   /* private */
	{ "192.0.0.0", 24 },    /* protocol assignments */
	{ "192.0.2.0", 24 },    /* documentation */
	{ "192.88.99.0", 24 },  /* 6to4 relays */
	{ "192.168.0.0", 16 },  /* private */
	{ "198.18.0.0", 15 },   /* benchmarks */
	{ "198.51.100.0", 24 }, /* documentation */
	{ "203.0.113.0", 24 },  /* documentation */
	{ "224.0.0.0", 4 },     /* multicast */
	{ "240.0.0.0", 4 },     /* reserved, broadcast */
};

/* Only addresses in 2000::/3 are given to the public, so every other one is refused: loopback,
 * local, multicast, NAT64 and all forms that carry an IPv4 address. The prefixes below are not
 * public either. Those that carry an IPv4 address are refused whatever that address is. */
static const struct {
	const char *prefix;
	unsigned bits;
} refused_v6[] = {
	{ "2001::", 32 },     /* Teredo */
	{ "2001:db8::", 32 }, /* documentation */
	{ "2002::", 16 },     /* 6to4 */
	{ "3fff::", 20 },     /* documentation */
};

static bool has_prefix(const uint8_t *bytes, const uint8_t *prefix, unsigned bits)
{
	unsigned whole = bits / 8;
	unsigned rest = bits % 8;

	if (memcmp(bytes, prefix, whole) != 0)
		return false;
	return rest == 0 || (bytes[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

static bool v4_is_public(const uint8_t bytes[4])
{
	for (size_t i = 0; i < ARRAY_LEN(refused_v4); i++) {
		struct in_addr prefix;

		if (inet_pton(AF_INET, refused_v4[i].prefix, &prefix) != 1 ||
		    has_prefix(bytes, (const uint8_t *)&prefix, refused_v4[i].bits))
			return false;
	}
	return true;
}

static bool v6_is_public(const struct in6_addr *address)
{
	if (IN6_IS_ADDR_V4MAPPED(address))
		return v4_is_public(address->s6_addr + 12);
	if ((address->s6_addr[0] & 0xe0) != 0x20)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(refused_v6); i++) {
		struct in6_addr prefix;

		if (inet_pton(AF_INET6, refused_v6[i].prefix, &prefix) != 1 ||
		    has_prefix(address->s6_addr, prefix.s6_addr, refused_v6[i].bits))
			return false;
	}
	return true;
}

bool address_is_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

		return v4_is_public((const uint8_t *)&v4->sin_addr);
	}
	if (address->sa_family == AF_INET6)
		return v6_is_public(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return false;
}

bool guard_allows(const struct sockaddr *address, const void *guard)
{
	const struct guard *g = guard;

	if (g->allow_private || address_is_public(address))
		return true;
	metric_add(g->refusals, 1);
	return false;
}

/* ---- hosts ----------------------------------------------------------------------------- */

/* The last label of a name is never a number. If it is one, some resolvers read the whole host as
 * an address in a spelling of inet_aton(). */
bool host_is_odd_number(struct str host)
{
	size_t start;

	while (host.len > 0 && host.at[host.len - 1] == '.')
		host.len--;
	for (start = host.len; start > 0 && host.at[start - 1] != '.'; start--)
		;
	host = str_from(host, start);
	if (host.len >= 2 && host.at[0] == '0' && (host.at[1] == 'x' || host.at[1] == 'X')) {
		for (size_t i = 2; i < host.len; i++) {
			if (!isxdigit((unsigned char)host.at[i]))
				return false;
		}
		return true;
	}
	for (size_t i = 0; i < host.len; i++) {
		if (!isdigit((unsigned char)host.at[i]))
			return false;
	}
	return true; /* digits only, or empty */
}

static int refuse(const struct guard *guard, struct reason *why, const char *field)
{
	metric_add(guard->refusals, 1);
	return reason_set(why, -EINVAL, field,
			  "%s must not lead to a private, local or reserved address", field);
}

/* 0 or -EINVAL when the host is an address or can never be allowed, -EAGAIN when it is a name. */
static int check_literal(const struct guard *guard, const char *host, const char *field,
			 struct reason *why)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const struct sockaddr *address = NULL;

	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		address = (const struct sockaddr *)&v4;
	else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		address = (const struct sockaddr *)&v6;
	if (address)
		return address_is_public(address) ? 0 : refuse(guard, why, field);
	if (strchr(host, ':') || host_is_odd_number(str_of(host)))
		return reason_set(why, -EINVAL, field,
				  "%s must have a host name or a plain IP address", field);
	return -EAGAIN;
}

/* ---- names ----------------------------------------------------------------------------- */

struct name_lookup {
	struct list link; /* guard->lookups */
	struct guard *guard;
	struct uuid team;
	const char *field;
	uv_getaddrinfo_t request;
	uv_timer_t limit;
	unsigned open;         /* request and timer; the last frees */
	guard_done_fn on_done; /* NULL once the owner has been answered */
	void *owner;
};

static void release(struct name_lookup *lookup)
{
	struct guard *guard = lookup->guard;

	if (--lookup->open > 0)
		return;
	list_remove(&lookup->link);
	free(lookup);
	guard->lookup_count--;
	if (guard->lookup_count == 0 && guard->on_idle)
		guard->on_idle(guard->idle_owner);
}

static void on_limit_closed(uv_handle_t *handle)
{
	release(handle->data);
}

static void answer(struct name_lookup *lookup, int rc, const struct reason *why)
{
	guard_done_fn on_done = lookup->on_done;

	lookup->on_done = NULL;
	uv_close((uv_handle_t *)&lookup->limit, on_limit_closed);
	on_done(rc, why, lookup->owner);
}

static void on_limit(uv_timer_t *timer)
{
	struct name_lookup *lookup = timer->data;
	struct reason why;
	/* A lookup can be cancelled only while it waits for a thread. So the name is not to
	 * blame. */
	int rc = uv_cancel((uv_req_t *)&lookup->request) == 0 ? -EBUSY : -EINVAL;

	reason_set(&why, rc, lookup->field, "the host of %s could not be resolved in time",
		   lookup->field);
	answer(lookup, rc, &why);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct name_lookup *lookup = request->data;
	struct reason why = { .text = "" };
	int rc = 0;

	if (lookup->on_done) {
		if (status < 0 || !found)
			rc = reason_set(&why, -EINVAL, lookup->field,
					"the host of %s has no address", lookup->field);
		for (struct addrinfo *a = found; a && rc == 0; a = a->ai_next) {
			if (!address_is_public(a->ai_addr))
				rc = refuse(lookup->guard, &why, lookup->field);
		}
		answer(lookup, rc, &why);
	}
	uv_freeaddrinfo(found);
	release(lookup);
}

static bool has_room(const struct guard *guard, const struct uuid *team)
{
	unsigned of_team = 0;

	LIST_EACH (link, &guard->lookups) {
		if (uuid_eq(&list_item(link, struct name_lookup, link)->team, team))
			of_team++;
	}
	return of_team < GUARD_MAX_TEAM_LOOKUPS &&
	       share_allows(of_team, GUARD_MAX_LOOKUPS - guard->lookup_count, LOOKUP_WEIGHT);
}

static int start_lookup(struct guard *guard, const char *host, const struct target *target,
			guard_done_fn on_done, void *owner)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct name_lookup *lookup;

	if (!has_room(guard, &target->team))
		return -EBUSY;
	lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return -ENOMEM;
	lookup->guard = guard;
	lookup->team = target->team;
	lookup->field = target->field;
	lookup->on_done = on_done;
	lookup->owner = owner;
	lookup->request.data = lookup;
	if (uv_getaddrinfo(guard->loop, &lookup->request, on_resolved, host, NULL, &hints) < 0) {
		free(lookup);
		return -ENOMEM;
	}
	list_add_tail(&guard->lookups, &lookup->link);
	guard->lookup_count++;
	lookup->open = 2;
	uv_timer_init(guard->loop, &lookup->limit);
	lookup->limit.data = lookup;
	uv_timer_start(&lookup->limit, on_limit, LOOKUP_MS, 0);
	return -EINPROGRESS;
}

/* ---- checking a target ----------------------------------------------------------------- */

int guard_check_target(struct guard *guard, const struct target *target, struct reason *why,
		       guard_done_fn on_done, void *owner)
{
	const char *field = target->field;
	struct url_parts parts;
	char host[256];
	int rc;

	if (!url_split(target->url, &parts) || parts.host.len >= sizeof(host))
		return reason_set(why, -EINVAL, field, "%s must be an http or https URL", field);
	if (guard->allow_private)
		return 0;
	snprintf(host, sizeof(host), "%.*s", STR_ARGS(parts.host));
	rc = check_literal(guard, host, field, why);
	return rc == -EAGAIN ? start_lookup(guard, host, target, on_done, owner) : rc;
}

void guard_init(struct guard *guard, uv_loop_t *loop, bool allow_private)
{
	*guard = (struct guard){ .loop = loop, .allow_private = allow_private };
	list_init(&guard->lookups);
	guard->refusals = metric_counter("wrenn_events_guard_refusals_total", NULL,
					 "Destinations refused because of their address");
}

void guard_wait_idle(struct guard *guard, void (*on_idle)(void *owner), void *owner)
{
	assert(!guard->on_idle);
	if (guard->lookup_count == 0) {
		on_idle(owner);
		return;
	}
	guard->on_idle = on_idle;
	guard->idle_owner = owner;
}
