/* SPDX-License-Identifier: Apache-2.0 */

/*
 * PUT /v1/channels/{id}/config (contract c.3, c.4).
 *
 * Happy path: the shape of the body is checked. A read job finds provider and stored settings,
 * and a webhook takes from them what the body leaves out. The targets are judged. A write job
 * stores the new settings, keeps the old secret for the overlap and writes the audit row.
 *
 * Failure: 400 with the field, 404 for another team's channel. If another request has changed the
 * settings in between, everything except reading the body is done again, a few times.
 */
#include "channels/rotate.h"

#include <errno.h>

#include "api/api.h"
#include "channels/call.h"
#include "channels/draft.h"
#include "channels/release.h"
#include "channels/rows.h"
#include "core/json.h"
#include "targets/targets.h"

#define OVERLAP_DEFAULT_S 86400
#define OVERLAP_MAX_S     604800
#define ROUNDS            3

struct rotation {
	struct option_call change;
	struct draft draft;
	struct target_check check;
	int64_t overlap_us;
	unsigned round;
	/* What was loaded. */
	struct buf provider;
	struct buf before;
	struct buf old_before; /* the secrets before the last rotations, as stored */
	int64_t old_before_until_us;
	bool is_open;
	struct opened_config stored;
	/* To be stored. */
	struct buf sealed;
	struct buf old_secret;
	struct new_config config;
	enum update_result result;
};

static void forget_loaded(struct rotation *rotation)
{
	if (rotation->is_open)
		opened_config_done(&rotation->stored);
	rotation->is_open = false;
	buf_reset(&rotation->provider);
	buf_reset(&rotation->before);
	buf_reset(&rotation->old_before);
	buf_reset(&rotation->sealed);
	buf_reset(&rotation->old_secret);
}

static void end_rotation(struct api_call *call)
{
	struct rotation *rotation = container_of(call, struct rotation, change.call);

	forget_loaded(rotation);
	buf_done(&rotation->provider);
	buf_done(&rotation->before);
	buf_done(&rotation->old_before);
	buf_done(&rotation->sealed);
	buf_done(&rotation->old_secret);
	draft_done(&rotation->draft);
}

static void load(struct rotation *rotation);

/* ---- storing --------------------------------------------------------------------------- */

static int run_replace(struct db *db, struct store_job *job)
{
	struct rotation *rotation = container_of(job, struct rotation, change.call.job);
	struct api_call *call = &rotation->change.call;
	const struct change change = {
		.who = &call->who,
		.audit_mode = channels_of(call)->audit_mode,
		.now_us = call->now_us,
	};

	buf_reset(&call->json);
	return channel_replace_config(db, &call->id, &rotation->config, &change, &call->json,
				      &rotation->result);
}

static void answer_change(struct option_call *change)
{
	api_call_answer(&change->call, 200);
}

static void answer_rotation(struct rotation *rotation)
{
	struct api_call *call = &rotation->change.call;

	paces_forget(channels_of(call)->route->paces, &call->who.team, &call->id);
	deliveries_changed(channels_of(call)->deliveries, &call->id);
	channel_add_warnings(&call->json, rotation->draft.provider, &rotation->draft.config);
	if (channel_options_are_named(rotation->draft.tree))
		release_held(&rotation->change, answer_change);
	else
		answer_change(&rotation->change);
}

static void on_replaced(struct store_job *job, int rc)
{
	struct rotation *rotation = container_of(job, struct rotation, change.call.job);
	struct api_call *call = &rotation->change.call;

	if (rc < 0)
		fail_change(call, rc);
	else if (rotation->result == UPDATE_DONE)
		answer_rotation(rotation);
	else if (rotation->result == UPDATE_NO_TEAM)
		api_call_refuse_text(call, HTTP_FORBIDDEN, NULL, "the team was deleted");
	else if (++rotation->round < ROUNDS)
		load(rotation);
	else
		api_call_fail(call, -EBUSY);
}

/* Without an overlap only the new secret is valid. */
static void write_old_secrets(struct rotation *rotation, struct old_secrets *old, struct str before,
			      struct str after)
{
	int64_t until_us = rotation->change.call.now_us + rotation->overlap_us;

	if (rotation->overlap_us == 0)
		return;
	if (before.len > 0)
		old_secrets_push(old, before, until_us, after);
	old_secrets_seal(&rotation->old_secret, old, channels_of(&rotation->change.call)->key);
	for (size_t i = 0; i < old->count; i++) {
		if (old->until_us[i] > rotation->config.old_secret_until_us)
			rotation->config.old_secret_until_us = old->until_us[i];
	}
}

/* Decides how long the current secret and older ones stay valid. */
static void plan_old_secrets(struct rotation *rotation)
{
	const struct stored_secrets stored = { .text = buf_str(&rotation->old_before),
					       .until_us = rotation->old_before_until_us };
	struct str before =
		rotation->is_open ? config_value(&rotation->stored.config, "secret") : STR("");
	struct str after = config_value(&rotation->draft.config, "secret");
	struct old_secrets old;

	rotation->config.has_old_secret = !str_eq(before, after);
	rotation->config.old_secret_until_us = 0;
	if (!rotation->config.has_old_secret)
		return;
	old_secrets_open(&old, &stored, rotation->change.call.now_us,
			 channels_of(&rotation->change.call)->key);
	write_old_secrets(rotation, &old, before, after);
	old_secrets_done(&old);
	rotation->config.old_secret = buf_str(&rotation->old_secret);
}

static void store(struct rotation *rotation)
{
	struct api_call *call = &rotation->change.call;

	config_seal(&rotation->sealed, &rotation->draft.config, channels_of(call)->key);
	plan_old_secrets(rotation);
	if (rotation->sealed.err || rotation->old_secret.err) {
		api_call_fail(call, rotation->sealed.err ? rotation->sealed.err
							 : rotation->old_secret.err);
		return;
	}
	rotation->config.before = buf_str(&rotation->before);
	rotation->config.sealed = buf_str(&rotation->sealed);
	rotation->config.request = rotation->draft.tree;
	call->job = (struct store_job){ .run = run_replace, .on_done = on_replaced };
	submit_change(call);
}

/* ---- reading and judging ----------------------------------------------------------------- */

static void on_judged(int rc, const struct reason *why, void *owner)
{
	struct rotation *rotation = owner;

	if (rc == 0)
		store(rotation);
	else
		api_call_refuse_input(&rotation->change.call, rc, why);
}

/* A receiver that checks webhook-signature would find none. */
static int refuse_lost_signature(const struct rotation *rotation, struct reason *why)
{
	int before;
	int after;

	if (!rotation->is_open)
		return 0;
	before = webhook_signs_by_standard(config_value(&rotation->stored.config, "secret"));
	after = webhook_signs_by_standard(config_value(&rotation->draft.config, "secret"));
	if (before < 0 || after < 0)
		return -ENOMEM;
	if (!before || after)
		return 0;
	return reason_set(why, -EINVAL, "secret",
			  "secret is not base64, so requests would have no webhook-signature; "
			  "use 64 hexadecimal digits, from `openssl rand -hex 32`");
}

static int take_config(struct rotation *rotation, const struct provider *provider,
		       struct reason *why)
{
	struct draft *draft = &rotation->draft;
	int rc = config_open(&rotation->stored, provider, buf_str(&rotation->before),
			     channels_of(&rotation->change.call)->key);

	if (rc == -ENOMEM)
		return rc;
	rotation->is_open = rc == 0;
	rc = draft_take_config(draft, provider, rc == 0 ? &rotation->stored.config : NULL, why);
	if (rc == 0 && provider_signs(provider) && config_value(&draft->config, "secret").len == 0)
		return reason_set(why, -EINVAL, "secret",
				  "the channel has no secret to keep; send a new one");
	return rc == 0 ? refuse_lost_signature(rotation, why) : rc;
}

static void judge(struct rotation *rotation)
{
	const struct provider *provider = provider_find(buf_str(&rotation->provider));
	struct api_call *call = &rotation->change.call;
	struct reason why = { .text = "" };
	int rc;

	if (!provider) {
		api_call_refuse_text(call, HTTP_INVALID_STATE, NULL,
				     "the channel's provider is not supported");
		return;
	}
	rc = take_config(rotation, provider, &why);
	if (rc < 0) {
		api_call_refuse_input(call, rc, &why);
		return;
	}
	rotation->check = (struct target_check){
		.guard = &channels_of(call)->route->guard,
		.origins = channels_of(call)->route->attempts.origins,
		.origin_count = channels_of(call)->route->attempts.origin_count,
		.provider = provider,
		.config = &rotation->draft.config,
		.team = call->who.team,
		.on_done = on_judged,
		.owner = rotation,
	};
	target_check_start(&rotation->check);
}

static int run_load(struct db *db, struct store_job *job)
{
	struct rotation *rotation = container_of(job, struct rotation, change.call.job);
	struct api_call *call = &rotation->change.call;
	int rc;

	buf_reset(&rotation->provider);
	buf_reset(&rotation->before);
	buf_reset(&rotation->old_before);
	rc = channel_load(db, &call->who.team, &call->id, &rotation->provider, &rotation->before,
			  &call->found);
	if (rc < 0 || !call->found)
		return rc;
	return channel_load_old_secrets(db, &call->id, &rotation->old_before,
					&rotation->old_before_until_us);
}

static void on_loaded(struct store_job *job, int rc)
{
	struct rotation *rotation = container_of(job, struct rotation, change.call.job);

	if (rc < 0)
		api_call_fail(&rotation->change.call, rc);
	else if (!rotation->change.call.found)
		api_call_no_channel(&rotation->change.call);
	else
		judge(rotation);
}

static void load(struct rotation *rotation)
{
	struct api_call *call = &rotation->change.call;

	forget_loaded(rotation);
	call->job = (struct store_job){ .run = run_load, .on_done = on_loaded };
	api_call_submit(call, store_read_for_request);
}

/* ---- the request ------------------------------------------------------------------------- */

static int read_overlap(const struct draft *draft, int64_t *out_us, struct reason *why)
{
	const cJSON *overlap = json_get(draft->tree, "overlap_s");
	double seconds = OVERLAP_DEFAULT_S;

	if (overlap && !cJSON_IsNull(overlap))
		seconds = cJSON_IsNumber(overlap) ? overlap->valuedouble : -1;
	if (!(seconds >= 0 && seconds <= OVERLAP_MAX_S) || seconds != (double)(int64_t)seconds)
		return reason_set(why, -EINVAL, "overlap_s",
				  "overlap_s must be a whole number of seconds from 0 to %d",
				  OVERLAP_MAX_S);
	*out_us = (int64_t)seconds * 1000000;
	return 0;
}

void replace_config(struct http_request *request, void *owner)
{
	struct rotation *rotation;
	struct api_call *call;
	struct reason why = { .text = "" };
	int rc;

	if (!body_is_json(request))
		return;
	call = api_call_new_for_channel(owner, request, sizeof(*rotation));
	if (!call)
		return;
	rotation = container_of(call, struct rotation, change.call);
	call->done = end_rotation;
	buf_init(&rotation->provider, 1024);
	buf_init(&rotation->before, SEALED_CONFIG_MAX);
	buf_init(&rotation->old_before, SEALED_CONFIG_MAX);
	buf_init(&rotation->sealed, SEALED_CONFIG_MAX);
	buf_init(&rotation->old_secret, SEALED_CONFIG_MAX);
	rc = draft_parse(http_request_body(request), DRAFT_CONFIG | DRAFT_OPTIONS, &rotation->draft,
			 &why);
	if (rc == 0)
		rc = read_overlap(&rotation->draft, &rotation->overlap_us, &why);
	if (rc < 0)
		api_call_refuse_input(call, rc, &why);
	else
		load(rotation);
}
