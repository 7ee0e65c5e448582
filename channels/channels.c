/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Opens and closes the parts of channels/ and knows which leans on which: the engine on the outbound client, the
 * guard on nothing, the ledger on the engine it wakes.
 * The end goes part by part, each when the one before has closed: engine, steward, client,
 * look-ups still under way.
 */
#include "channels/channels.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "channels/clock_trust.h"
#include "channels/orphans.h"
#include "channels/parts.h"
#include "core/clock.h"
#include "core/version.h"

#define TICK_MS 1000

static int open_engine(struct channels *channels, const struct channels_options *options,
		       unsigned tick_ms)
{
	const struct engine_options engine = {
		.loop = channels->loop,
		.store = channels->store,
		.route = channels->route,
		.worker = channels->worker,
		.key = channels->key,
		.max_inflight = options->max_inflight,
		.tick_ms = tick_ms,
		.audit_mode = channels->audit_mode,
		.paces = channels->paces,
		.now_us = channels->now_us,
		.mono_us = channels->mono_us,
	};

	int rc;

	if (!options->deliver)
		return 0;
	rc = orphans_release(channels->store, channels->worker, channels->now_us());
	return rc < 0 ? rc : scheduler_open(&engine, &channels->engine);
}

static int open_parts(struct channels *channels, const struct channels_options *options,
		      const struct channels_tuning *tuning)
{
	const struct steward_options steward = {
		.loop = channels->loop,
		.store = channels->store,
		.redis = channels->redis,
		.worker = channels->worker,
		.now_us = channels->now_us,
		.mono_us = channels->mono_us,
		.clock_trust_us = tuning->clock_trust_us,
	};
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
		rc = steward_open(&steward, &channels->steward);
	if (rc == 0)
		rc = open_engine(channels, options, tuning->tick_ms);
	return rc;
}

static void free_channels(struct channels *channels)
{
	explicit_bzero(channels->key, sizeof(channels->key));
	free(channels->worker);
	free(channels->link_base);
	trials_close(channels->trials);
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
		rc = trials_open(&channels->trials);
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
						.clock_trust_us = CLOCK_TRUST_US };

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

static void on_steward_closed(void *owner)
{
	struct channels *channels = owner;

	if (channels->route.outbound)
		outbound_close(channels->route.outbound, on_outbound_closed, channels);
	else
		on_outbound_closed(channels);
}

static void on_engine_closed(void *owner)
{
	struct channels *channels = owner;

	channels->engine = NULL;
	if (channels->steward)
		steward_close(channels->steward, on_steward_closed, channels);
	else
		on_steward_closed(channels);
}

void channels_close(struct channels *channels, void (*on_closed)(void *owner), void *owner)
{
	channels->is_closing = true;
	channels->on_closed = on_closed;
	channels->owner = owner;
	pauses_end(&channels->pauses);
	if (channels->engine)
		scheduler_close(channels->engine, on_engine_closed, channels);
	else
		on_engine_closed(channels);
}

void channels_note_work(struct channels *channels, const struct uuid *channel)
{
	if (!channels->engine)
		return;
	scheduler_note(channels->engine, channel);
}

int channels_add_routes(struct channels *channels, struct http_server *server)
{
	return endpoints_add(channels, server);
}
