/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: the resolver's answer is a list of addresses, a link to the first one connects, and
 * the owner gets it. If a link breaks or takes too long, the next address is tried. The error of
 * the last one is reported.
 */
#include "net/redis_dial.h"

#include <errno.h>
#include <stdio.h>

#include "core/errno_text.h"

#define STEP_TIMEOUT_MS 5000

static void drop_addresses(struct redis_dial *dial)
{
	if (dial->addresses)
		uv_freeaddrinfo(dial->addresses);
	dial->addresses = NULL;
	dial->next_address = NULL;
}

static void drop_link(struct redis_dial *dial)
{
	if (dial->link)
		redis_link_close(dial->link);
	dial->link = NULL;
}

static void fail(struct redis_dial *dial, const char *why)
{
	redis_dial_stop(dial);
	dial->events->on_failed(why, dial->owner);
}

static void release_one(void *owner)
{
	struct redis_dial *dial = owner;

	if (--dial->open_handles == 0)
		dial->on_closed(dial->owner);
}

/* ---- one address ----------------------------------------------------------------------- */

static void try_next_address(struct redis_dial *dial);

static void on_link_connected(void *owner)
{
	struct redis_dial *dial = owner;
	struct redis_link *link = dial->link;

	dial->link = NULL;
	dial->open_handles--;
	redis_dial_stop(dial);
	dial->events->on_connected(link, dial->owner);
}

static void on_link_broken(const char *why, void *owner)
{
	struct redis_dial *dial = owner;

	drop_link(dial);
	if (dial->next_address)
		try_next_address(dial);
	else
		fail(dial, why);
}

static const struct redis_link_events link_events = {
	.on_connected = on_link_connected,
	.on_broken = on_link_broken,
	.on_closed = release_one,
};

static void on_timer(uv_timer_t *timer)
{
	struct redis_dial *dial = timer->data;

	if (dial->link)
		on_link_broken(redis_link_lateness(dial->link), dial);
	else
		fail(dial, "its name was not resolved in time");
}

/* 0 or a negative errno. `socket_address` is NULL for a Unix socket. */
static int open_link(struct redis_dial *dial, const struct sockaddr *socket_address)
{
	const struct redis_link_options options = {
		.loop = dial->loop,
		.address = socket_address,
		.path = dial->address->path,
		.tls = dial->address->tls,
		.host = dial->host.name,
		.events = &link_events,
		.owner = dial,
	};
	int rc = redis_link_open(&options, &dial->link);

	if (rc)
		return rc;
	dial->open_handles++;
	uv_timer_start(&dial->timer, on_timer, STEP_TIMEOUT_MS, 0);
	return 0;
}

static void try_next_address(struct redis_dial *dial)
{
	int rc = -EADDRNOTAVAIL;

	while (rc && dial->next_address) {
		const struct addrinfo *address = dial->next_address;

		dial->next_address = address->ai_next;
		rc = open_link(dial, address->ai_addr);
	}
	if (rc)
		fail(dial, errno_text(rc));
}

static void on_resolved(int status, struct addrinfo *addresses, void *owner)
{
	struct redis_dial *dial = owner;
	char why[128];

	if (status) {
		snprintf(why, sizeof(why), "its name cannot be looked up: %s", errno_text(status));
		fail(dial, why);
		return;
	}
	dial->addresses = addresses;
	dial->next_address = addresses;
	try_next_address(dial);
}

/* ---- for its owner --------------------------------------------------------------------- */

void redis_dial_init(struct redis_dial *dial, uv_loop_t *loop, const struct redis_address *address,
		     const struct redis_dial_events *events, void *owner)
{
	*dial = (struct redis_dial){
		.loop = loop, .address = address, .events = events, .owner = owner
	};
	redis_resolver_init(&dial->resolver, loop, on_resolved, dial);
	uv_timer_init(loop, &dial->timer);
	dial->timer.data = dial;
	dial->open_handles = 1;
}

void redis_dial_start(struct redis_dial *dial, const struct redis_host *host)
{
	int rc;

	redis_dial_stop(dial);
	if (host) {
		dial->host = *host;
		uv_timer_start(&dial->timer, on_timer, STEP_TIMEOUT_MS, 0);
		rc = redis_resolver_ask(&dial->resolver, host);
	} else {
		rc = open_link(dial, NULL);
	}
	if (rc)
		fail(dial, errno_text(rc));
}

void redis_dial_stop(struct redis_dial *dial)
{
	uv_timer_stop(&dial->timer);
	redis_resolver_stop(&dial->resolver);
	drop_link(dial);
	drop_addresses(dial);
}

static void on_timer_closed(uv_handle_t *handle)
{
	release_one(handle->data);
}

void redis_dial_close(struct redis_dial *dial, void (*on_closed)(void *owner))
{
	redis_dial_stop(dial);
	dial->on_closed = on_closed;
	if (redis_resolver_close(&dial->resolver, release_one))
		dial->open_handles++;
	uv_close((uv_handle_t *)&dial->timer, on_timer_closed);
}
