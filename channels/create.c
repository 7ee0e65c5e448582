/* SPDX-License-Identifier: Apache-2.0 */

/*
 * POST /v1/channels (contract c.2 to c.4).
 *
 * Happy path: the body is read and checked, and its targets are judged, perhaps after a look-up
 * of a name. The config is encrypted, and one store job writes row and audit row. Failure: 400
 * with the field. The secret is answered once and kept only encrypted.
 */
#include "channels/create.h"

#include <errno.h>

#include "api/api.h"
#include "channels/call.h"
#include "channels/draft.h"
#include "channels/rows.h"
#include "targets/targets.h"

/* A channel on its way into the store. */
struct creation {
	struct api_call call;
	struct draft draft;
	struct target_check check;
	struct buf sealed;
	struct new_channel channel;
	enum insert_result result;
};

static void end_creation(struct api_call *call)
{
	struct creation *creation = container_of(call, struct creation, call);

	draft_done(&creation->draft);
	buf_done(&creation->sealed);
}

static int run_insert(struct db *db, struct store_job *job)
{
	struct creation *creation = container_of(job, struct creation, call.job);
	const struct change change = {
		.who = &creation->call.who,
		.audit_mode = channels_of(&creation->call)->audit_mode,
		.now_us = creation->call.now_us,
	};

	return channel_insert(db, &creation->channel, &change, &creation->result);
}

static void answer_creation(struct creation *creation)
{
	struct api_call *call = &creation->call;

	switch (creation->result) {
	case CHANNEL_STORED:
		channel_write_new(&call->json, &creation->channel,
				  config_value(&creation->draft.config, "secret"));
		channel_add_warnings(&call->json, creation->draft.provider,
				     &creation->draft.config);
		api_call_answer(call, 201);
		break;
	case CHANNEL_NAME_TAKEN:
		api_call_refuse_text(call, HTTP_CONFLICT, "name",
				     "the team has a channel of this name already");
		break;
	case CHANNEL_TOO_MANY:
		api_call_refuse_text(call, HTTP_CONFLICT, NULL,
				     "the team has as many channels as it can have");
		break;
	case CHANNEL_NO_TEAM:
		api_call_refuse_text(call, HTTP_FORBIDDEN, NULL, "the team was deleted");
		break;
	}
}

static void on_inserted(struct store_job *job, int rc)
{
	struct creation *creation = container_of(job, struct creation, call.job);

	if (rc < 0)
		fail_change(&creation->call, rc);
	else
		answer_creation(creation);
}

static void store_creation(struct creation *creation)
{
	struct channels *channels = channels_of(&creation->call);

	draft_complete_secret(&creation->draft);
	config_seal(&creation->sealed, &creation->draft.config, channels->key);
	if (creation->sealed.err) {
		api_call_fail(&creation->call, creation->sealed.err);
		return;
	}
	uuid_v4(&creation->channel.id);
	creation->channel.team = creation->call.who.team;
	creation->channel.draft = &creation->draft;
	creation->channel.sealed = buf_str(&creation->sealed);
	creation->channel.created_us = creation->call.now_us;
	creation->call.job.run = run_insert;
	creation->call.job.on_done = on_inserted;
	submit_change(&creation->call);
}

static void on_judged(int rc, const struct reason *why, void *owner)
{
	struct creation *creation = owner;

	if (rc == 0)
		store_creation(creation);
	else
		api_call_refuse_input(&creation->call, rc, why);
}

void create_channel(struct http_request *request, void *owner)
{
	struct creation *creation;
	struct api_call *call;
	struct reason why = { .text = "" };
	int rc;

	if (!body_is_json(request))
		return;
	call = api_call_new(owner, request, sizeof(*creation));
	if (!call)
		return;
	creation = container_of(call, struct creation, call);
	call->done = end_creation;
	buf_init(&creation->sealed, SEALED_CONFIG_MAX);
	rc = draft_parse(http_request_body(request), DRAFT_WHOLE, &creation->draft, &why);
	if (rc < 0) {
		on_judged(rc, &why, creation);
		return;
	}
	creation->check = (struct target_check){
		.guard = &channels_of(call)->route->guard,
		.origins = channels_of(call)->route->attempts.origins,
		.origin_count = channels_of(call)->route->attempts.origin_count,
		.provider = creation->draft.provider,
		.config = &creation->draft.config,
		.team = call->who.team,
		.on_done = on_judged,
		.owner = creation,
	};
	target_check_start(&creation->check);
}
