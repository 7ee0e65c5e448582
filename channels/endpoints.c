/* SPDX-License-Identifier: Apache-2.0 */

/*
 * POST, GET, GET {id} and DELETE on /v1/channels (contract c).
 *
 * Happy path: the request is read and checked, a POST's target judged (perhaps after a look-up of
 * its name), one store job does the work, and its end answers the request. Failure: what is wrong
 * with the request is a 400 with its field, a store that is away a 503, another team's channel a
 * 404. The secret is answered once and kept only encrypted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "channels/draft.h"
#include "channels/errand.h"
#include "channels/rows.h"
#include "channels/seal.h"
#include "channels/views.h"

/* ---- GET ------------------------------------------------------------------------------- */

static int run_list(struct db *db, struct store_job *job)
{
	struct errand *errand = container_of(job, struct errand, job);

	buf_reset(&errand->json);
	return channel_list(db, &errand->who.team, &errand->json);
}

static void on_listed(struct store_job *job, int rc)
{
	struct errand *errand = container_of(job, struct errand, job);

	if (rc < 0)
		errand_fail(errand, rc);
	else
		errand_answer(errand, 200);
}

static void list_channels(struct http_request *request, void *owner)
{
	struct errand *errand = errand_new(owner, request, sizeof(*errand));

	if (!errand)
		return;
	errand->job.run = run_list;
	errand->job.on_done = on_listed;
	errand_submit(errand, store_read);
}

static int run_get(struct db *db, struct store_job *job)
{
	struct errand *errand = container_of(job, struct errand, job);

	buf_reset(&errand->json);
	return channel_get(db, &errand->who.team, &errand->id, &errand->json, &errand->found);
}

static void get_channel(struct http_request *request, void *owner)
{
	struct errand *errand = errand_new_of_channel(owner, request, sizeof(*errand));

	if (!errand)
		return;
	errand->job.run = run_get;
	errand->job.on_done = errand_on_shown;
	errand_submit(errand, store_read);
}

/* ---- DELETE ---------------------------------------------------------------------------- */

static int run_delete(struct db *db, struct store_job *job)
{
	struct errand *errand = container_of(job, struct errand, job);
	const struct change change = {
		.who = &errand->who,
		.audit_mode = errand->channels->audit_mode,
		.now_us = errand->now_us,
	};

	return channel_delete(db, &errand->id, &change, &errand->found);
}

static void on_removed(struct store_job *job, int rc)
{
	struct errand *errand = container_of(job, struct errand, job);

	if (rc < 0) {
		errand_fail(errand, rc);
		return;
	}
	if (errand->found && errand->channels->engine)
		engine_changed(errand->channels->engine, &errand->id);
	http_respond(errand->request, 204, NULL, STR(""));
	errand_free(errand);
}

static void delete_channel(struct http_request *request, void *owner)
{
	struct errand *errand = errand_new_of_channel(owner, request, sizeof(*errand));

	if (!errand)
		return;
	errand->job.run = run_delete;
	errand->job.on_done = on_removed;
	errand_submit(errand, store_write);
}

/* ---- POST ------------------------------------------------------------------------------ */

/* A channel on its way into the store. */
struct creation {
	struct errand errand;
	struct draft draft;
	struct buf sealed;
	struct new_channel channel;
	enum insert_result result;
};

static void end_creation(struct errand *errand)
{
	struct creation *creation = container_of(errand, struct creation, errand);

	draft_done(&creation->draft);
	buf_done(&creation->sealed);
}

static int run_insert(struct db *db, struct store_job *job)
{
	struct creation *creation = container_of(job, struct creation, errand.job);
	const struct change change = {
		.who = &creation->errand.who,
		.audit_mode = creation->errand.channels->audit_mode,
		.now_us = creation->errand.now_us,
	};

	return channel_insert(db, &creation->channel, &change, &creation->result);
}

static void answer_creation(struct creation *creation)
{
	struct errand *errand = &creation->errand;

	switch (creation->result) {
	case CHANNEL_STORED:
		channel_write_new(&errand->json, &creation->channel,
				  config_value(&creation->draft.config, "secret"));
		errand_answer(errand, 201);
		break;
	case CHANNEL_NAME_TAKEN:
		errand_refuse_text(errand, HTTP_CONFLICT, "name",
				   "the team has a channel of this name already");
		break;
	case CHANNEL_TOO_MANY:
		errand_refuse_text(errand, HTTP_CONFLICT, NULL,
				   "the team has as many channels as it can have");
		break;
	case CHANNEL_NO_TEAM:
		errand_refuse_text(errand, HTTP_FORBIDDEN, NULL, "the team is gone");
		break;
	}
}

static void on_inserted(struct store_job *job, int rc)
{
	struct creation *creation = container_of(job, struct creation, errand.job);

	if (rc < 0)
		errand_fail(&creation->errand, rc);
	else
		answer_creation(creation);
}

static void store_creation(struct creation *creation)
{
	struct channels *channels = creation->errand.channels;

	draft_complete_secret(&creation->draft);
	config_seal(&creation->sealed, &creation->draft.config, channels->key);
	if (creation->sealed.err) {
		errand_fail(&creation->errand, creation->sealed.err);
		return;
	}
	uuid_v4(&creation->channel.id);
	creation->channel.team = creation->errand.who.team;
	creation->channel.draft = &creation->draft;
	creation->channel.sealed = buf_str(&creation->sealed);
	creation->channel.created_us = creation->errand.now_us;
	creation->errand.job.run = run_insert;
	creation->errand.job.on_done = on_inserted;
	errand_submit(&creation->errand, store_write);
}

static void on_target_judged(int rc, const struct reason *why, void *owner)
{
	struct creation *creation = owner;

	if (rc == 0)
		store_creation(creation);
	else if (rc == -EINVAL)
		errand_refuse(&creation->errand, HTTP_INVALID_REQUEST, why);
	else
		errand_fail(&creation->errand, rc);
}

/* The URL among the provider's fields, or NULL: then the provider's host is fixed. */
static const char *target_field(const struct provider *provider)
{
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS && provider->fields[i].name; i++) {
		if (provider->fields[i].use == FIELD_TARGET)
			return provider->fields[i].name;
	}
	return NULL;
}

static void judge_target(struct creation *creation)
{
	const char *field = target_field(creation->draft.provider);
	struct reason why = { .text = "" };
	int rc = 0;

	if (field) {
		const struct target target = {
			.url = config_value(&creation->draft.config, field),
			.field = field,
			.team = creation->errand.who.team,
		};

		rc = guard_check_target(&creation->errand.channels->guard, &target, &why,
					on_target_judged, creation);
	}
	if (rc != -EINPROGRESS)
		on_target_judged(rc, &why, creation);
}

static void create_channel(struct http_request *request, void *owner)
{
	struct creation *creation;
	struct errand *errand;
	struct reason why = { .text = "" };
	int rc;

	if (!errand_body_is_json(request))
		return;
	errand = errand_new(owner, request, sizeof(*creation));
	if (!errand)
		return;
	creation = container_of(errand, struct creation, errand);
	errand->done = end_creation;
	buf_init(&creation->sealed, SEALED_CONFIG_MAX);
	rc = draft_parse(http_request_body(request), &creation->draft, &why);
	if (rc == 0)
		judge_target(creation);
	else if (rc == -EINVAL)
		errand_refuse(&creation->errand, HTTP_INVALID_REQUEST, &why);
	else
		errand_fail(&creation->errand, rc);
}

int endpoints_add(struct channels *channels, struct http_server *server)
{
	const struct http_route routes[] = {
		{ HTTP_POST, "/v1/channels", ACCESS_CHANGE, create_channel, channels },
		{ HTTP_GET, "/v1/channels", ACCESS_TEAM, list_channels, channels },
		{ HTTP_GET, "/v1/channels/{id}/deliveries", ACCESS_TEAM, view_deliveries,
		  channels },
		{ HTTP_GET, "/v1/channels/{id}/health", ACCESS_TEAM, view_health, channels },
		{ HTTP_POST, "/v1/channels/{id}/recover", ACCESS_CHANGE, recover_many, channels },
		{ HTTP_GET, "/v1/deliveries/{id}", ACCESS_TEAM, view_delivery, channels },
		{ HTTP_POST, "/v1/deliveries/{id}/redeliver", ACCESS_CHANGE, redeliver_one,
		  channels },
		{ HTTP_GET, "/v1/events/{id}/explain", ACCESS_TEAM, view_explain, channels },
		{ HTTP_GET, "/v1/channels/{id}", ACCESS_TEAM, get_channel, channels },
		{ HTTP_DELETE, "/v1/channels/{id}", ACCESS_CHANGE, delete_channel, channels },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
