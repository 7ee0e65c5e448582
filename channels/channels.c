/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Opens and closes the parts that channels/ needs: the client, the paces, the guard, deliveries.
 * They close one after the other, each when the one before has closed: deliveries, client,
 * look-ups still under way.
 */
#include "channels/channels.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "channels/call.h"
#include "channels/change.h"
#include "channels/create.h"
#include "channels/list.h"
#include "channels/preview.h"
#include "channels/remove.h"
#include "channels/rotate.h"
#include "channels/test_send.h"
#include "core/clock.h"
#include "core/version.h"

#define TICK_MS 1000

static int open_deliveries(struct channels *channels, const struct channels_options *options,
			   const struct channels_tuning *tuning)
{
	const struct delivery_options deliveries = {
		.loop = channels->loop,
		.store = channels->store,
		.redis = channels->redis,
		.route = channels->route,
		.paces = channels->paces,
		.worker = channels->worker,
		.key = channels->key,
		.sends = options->deliver,
		.max_inflight = options->max_inflight,
		.tick_ms = tuning->tick_ms,
		.audit_mode = channels->audit_mode,
		.clock_trust_us = tuning->clock_trust_us,
		.now_us = channels->now_us,
		.mono_us = channels->mono_us,
	};

	return deliveries_open(&deliveries, &channels->deliveries);
}

static int open_parts(struct channels *channels, const struct channels_options *options,
		      const struct channels_tuning *tuning)
{
	const struct outbound_options outbound = {
		.loop = channels->loop,
		.max_connections = options->max_inflight * CHANNELS_KEPT,
		.user_agent = "wrenn-events/" WRENN_EVENTS_VERSION,
		.ca_file = options->ca_file,
	};
	int rc = outbound_open(&outbound, &channels->route.outbound);

	if (rc == 0)
		rc = paces_open(&channels->paces);
	if (rc == 0)
		rc = open_deliveries(channels, options, tuning);
	return rc;
}

static void free_channels(struct channels *channels)
{
	explicit_bzero(channels->key, sizeof(channels->key));
	free(channels->worker);
	free(channels->link_base);
	test_quota_close(channels->quota);
	paces_close(channels->paces);
	free(channels);
}

int channels_open_tuned(const struct channels_options *options,
			const struct channels_tuning *tuning, struct channels **out)
{
	struct channels *channels = calloc(1, sizeof(*channels));
	int rc = -ENOMEM;

	if (!channels)
		return rc;
	channels->loop = options->loop;
	channels->store = options->store;
	channels->api = (struct api){ .store = options->store,
				      .now_us = tuning->now_us,
				      .owner = channels };
	channels->redis = options->redis;
	channels->strip_host = options->strip_host;
	channels->audit_mode = options->audit_mode;
	channels->now_us = tuning->now_us;
	channels->mono_us = tuning->mono_us;
	channels->worker = strdup(options->worker);
	channels->link_base = options->link_base ? strdup(options->link_base) : NULL;
	channels->route.origins = options->origins;
	channels->route.origin_count = options->origin_count;
	channels->route.guard = &channels->guard;
	channels->route.link_base = str_of(channels->link_base);
	memcpy(channels->key, options->encryption_key, sizeof(channels->key));
	guard_init(&channels->guard, options->loop, options->allow_private);
	pauses_init(&channels->pauses, options->loop);
	if (channels->worker && (channels->link_base || !options->link_base))
		rc = test_quota_open(&channels->quota);
	if (rc == 0)
		rc = open_parts(channels, options, tuning);
	if (rc < 0) {
		/* Handles that are open already need the loop to close: leave them to it. */
		channels_close(channels, NULL, NULL);
		return rc;
	}
	*out = channels;
	return 0;
}

int channels_open(const struct channels_options *options, struct channels **out)
{
	const struct channels_tuning tuning = { .now_us = clock_wall_us,
						.mono_us = clock_mono_us,
						.tick_ms = TICK_MS,
						.clock_trust_us = DELIVERY_CLOCK_TRUST_US };

	return channels_open_tuned(options, &tuning, out);
}

/* ---- closing --------------------------------------------------------------------------- */

static void on_guard_idle(void *owner)
{
	struct channels *channels = owner;
	void (*on_closed)(void *) = channels->on_closed;
	void *closed_owner = channels->owner;

	free_channels(channels);
	if (on_closed)
		on_closed(closed_owner);
}

static void on_outbound_closed(void *owner)
{
	struct channels *channels = owner;

	guard_wait_idle(&channels->guard, on_guard_idle, channels);
}

static void on_deliveries_closed(void *owner)
{
	struct channels *channels = owner;

	channels->deliveries = NULL;
	if (channels->route.outbound)
		outbound_close(channels->route.outbound, on_outbound_closed, channels);
	else
		on_outbound_closed(channels);
}

void channels_close(struct channels *channels, void (*on_closed)(void *owner), void *owner)
{
	channels->is_closing = true;
	channels->on_closed = on_closed;
	channels->owner = owner;
	pauses_end(&channels->pauses);
	deliveries_close(channels->deliveries, on_deliveries_closed, channels);
}

struct deliveries *channels_deliveries(const struct channels *channels)
{
	return channels->deliveries;
}

const struct paces *channels_paces(const struct channels *channels)
{
	return channels->paces;
}

void channels_note_work(struct channels *channels, const struct uuid *channel)
{
	deliveries_note(channels->deliveries, channel);
}

int channels_add_routes(struct channels *channels, struct http_server *server)
{
	struct api *api = &channels->api;
	const struct http_route routes[] = {
		{ HTTP_POST, "/v1/channels", ACCESS_CHANGE, create_channel, api },
		{ HTTP_GET, "/v1/channels", ACCESS_TEAM, list_channels, api },
		{ HTTP_POST, "/v1/channels/test", ACCESS_CHANGE, send_test, api },
		{ HTTP_POST, "/v1/channels/preview", ACCESS_CHANGE, preview_message, api },
		{ HTTP_GET, "/v1/channels/{id}", ACCESS_TEAM, get_channel, api },
		{ HTTP_PATCH, "/v1/channels/{id}", ACCESS_CHANGE, update_channel, api },
		{ HTTP_DELETE, "/v1/channels/{id}", ACCESS_CHANGE, delete_channel, api },
		{ HTTP_PUT, "/v1/channels/{id}/config", ACCESS_CHANGE, replace_config, api },
		{ HTTP_POST, "/v1/channels/{id}/enable", ACCESS_CHANGE, enable_channel, api },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
