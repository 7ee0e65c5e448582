/* SPDX-License-Identifier: Apache-2.0 */

/* Copies the settings that each module needs into its options. */
#include "app/services.h"

#include "core/clock.h"
#include "core/log.h"

#define DELIVERY_TICK_MS 1000
#define SOURCE_PULSE_MS  1000

enum audit_mode services_audit_mode(const struct config *config)
{
	switch (config->audit) {
	case CONFIG_AUDIT_MISSING:
		return AUDIT_MISSING;
	case CONFIG_AUDIT_OFF:
		return AUDIT_OFF;
	case CONFIG_AUDIT_ALL:
		break;
	}
	return AUDIT_ALL;
}

static enum team_role role_of(const struct config *config)
{
	switch (config->channel_role) {
	case CONFIG_ROLE_ADMIN:
		return ROLE_ADMIN;
	case CONFIG_ROLE_OWNER:
		return ROLE_OWNER;
	case CONFIG_ROLE_MEMBER:
		break;
	}
	return ROLE_MEMBER;
}

static size_t origins_of(const struct config *config, struct target_origin out[CONFIG_MAX_ORIGINS])
{
	for (size_t i = 0; i < config->origin_count; i++)
		out[i] = (struct target_origin){ .provider = config->origins[i].provider,
						 .origin = config->origins[i].origin };
	return config->origin_count;
}

static void publish_pace(struct str line, void *owner)
{
	const struct worker *w = owner;

	if (w->wake)
		bus_wake_publish_pace(w->wake, line);
}

static void on_wake(const struct uuid *channel, void *owner)
{
	const struct worker *w = owner;

	deliveries_wake(w->deliveries, channel);
}

static void on_pace(struct str line, void *owner)
{
	const struct worker *w = owner;

	paces_hear(w->route->paces, line, clock_mono_us());
}

int services_open_wake(struct worker *w)
{
	const struct bus_wake_options options = {
		.loop = &w->loop,
		.address = &w->redis_address,
		.master = w->master,
		.redis = w->redis,
		.on_channel = on_wake,
		.on_pace = on_pace,
		.owner = w,
	};

	return bus_wake_open(&options, &w->wake);
}

static int open_route(struct worker *w)
{
	const struct config *config = w->config;
	const struct route_options options = {
		.loop = &w->loop,
		.max_inflight = config->max_inflight,
		.allow_private = config->allow_private,
		.ca_file = config->ca_file,
		.link_base = config->link_base,
		.origins = w->origins,
		.origin_count = origins_of(config, w->origins),
	};
	int rc = route_open(&options, &w->route);

	if (rc == 0)
		paces_share(w->route->paces, publish_pace, w);
	return rc;
}

static void on_held_elsewhere(const struct uuid *channel, void *owner)
{
	const struct worker *w = owner;

	if (w->wake)
		bus_wake_publish(w->wake, channel);
}

static int open_deliveries(struct worker *w)
{
	const struct config *config = w->config;
	const struct delivery_options options = {
		.loop = &w->loop,
		.store = w->store,
		.redis = w->redis,
		.route = w->route->attempts,
		.paces = w->route->paces,
		.worker = w->name,
		.key = config->encryption_key,
		.sends = config->deliver == CONFIG_DELIVER_ON,
		.max_inflight = config->max_inflight,
		.unstored_results = config->unstored_results,
		.tick_ms = DELIVERY_TICK_MS,
		.audit_mode = services_audit_mode(config),
		.clock_trust_us = DELIVERY_CLOCK_TRUST_US,
		.now_us = clock_wall_us,
		.mono_us = clock_mono_us,
		.on_held_elsewhere = on_held_elsewhere,
		.owner = w,
	};

	return deliveries_open(&options, &w->deliveries);
}

static int open_channels(struct worker *w)
{
	const struct channels_options options = {
		.loop = &w->loop,
		.store = w->store,
		.route = w->route,
		.deliveries = w->deliveries,
		.key = w->config->encryption_key,
		.strip_host = w->config->strip_host == CONFIG_STRIP_ON,
		.notify_completion = w->config->notify_on == CONFIG_NOTIFY_COMPLETION,
		.audit_mode = services_audit_mode(w->config),
		.now_us = clock_wall_us,
		.mono_us = clock_mono_us,
	};

	return channels_open(&options, &w->channels);
}

static int open_views(struct worker *w)
{
	const struct views_options options = {
		.store = w->store,
		.redis = w->redis,
		.deliveries = w->deliveries,
		.paces = w->route->paces,
		.key = w->config->encryption_key,
		.now_us = clock_wall_us,
		.mono_us = clock_mono_us,
	};

	return views_open(&options, &w->views);
}

static int open_auth(struct worker *w)
{
	const struct auth_options options = {
		.store = w->store,
		.redis = w->redis,
		.api_keys_manage = w->config->api_keys == CONFIG_KEYS_MANAGE,
		.change_role = role_of(w->config),
	};

	return auth_open(&options, &w->auth);
}

static int announce_checkpoint(struct str json, void (*on_announced)(const char *fault, void *arg),
			       void *arg, void *owner)
{
	const struct worker *w = owner;

	return bus_add(w->redis, json, on_announced, arg);
}

const struct audit_signer *services_signer(const struct worker *w)
{
	if (services_audit_mode(w->config) == AUDIT_OFF || !w->config->audit_key_file)
		return NULL;
	return w->is_unsigned ? NULL : &w->signer;
}

/* A worker that starts again must not need a file that the service can do without. */
static int read_signer(struct worker *w)
{
	struct reason why = { .text = "" };
	int rc = audit_signer_read(w->config->audit_key_file, &w->signer, &why);

	w->signer.origin = w->config->audit_origin;
	if (rc == 0)
		return 0;
	w->is_unsigned = w->config->has_own_audit_key_file;
	if (w->is_unsigned)
		log_warn("checkpoints of the audit log are not signed: cannot read their key",
			 log_str("setting", why.field), log_str("reason", why.text));
	else
		log_error("cannot read the key that signs checkpoints",
			  log_str("setting", why.field), log_str("reason", why.text));
	return w->is_unsigned ? 0 : rc;
}

static int open_audit(struct worker *w)
{
	bool is_dashboard = w->config->audit_status == CONFIG_AUDIT_STATUS_DASHBOARD;
	int rc = services_signer(w) ? read_signer(w) : 0;

	const struct audit_options options = {
		.loop = &w->loop,
		.store = w->store,
		.status = is_dashboard ? AUDIT_STATUS_DASHBOARD : AUDIT_STATUS_SEED,
		.signer = services_signer(w),
		.checkpoint_folder = w->config->audit_checkpoint_dir,
		.checkpoint_command = w->config->audit_checkpoint_command,
		.announce = announce_checkpoint,
		.announcer = w,
	};

	return rc < 0 ? rc : audit_open(&options, &w->audit);
}

static int open_sse(struct worker *w)
{
	const struct config *config = w->config;
	const struct sse_options options = {
		.loop = &w->loop,
		.store = w->store,
		.redis = w->redis,
		.auth = w->auth,
		.keepalive_s = config->keepalive_s,
		.max_streams_per_team = config->max_streams_per_team,
		.history_bytes = (size_t)config->history_kb * 1024,
		.pulse_ms = SOURCE_PULSE_MS,
	};

	return sse_open(&options, &w->sse);
}

int services_open(struct worker *w)
{
	static int (*const opens[])(struct worker *) = {
		open_auth,     open_audit, open_route, open_deliveries,
		open_channels, open_views, open_sse,
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(opens) && rc == 0; i++)
		rc = opens[i](w);
	return rc;
}
