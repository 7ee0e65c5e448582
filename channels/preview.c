/* SPDX-License-Identifier: Apache-2.0 */

/*
 * POST /v1/channels/preview: the request that a provider would get, byte for byte, without
 * sending it.
 *
 * Happy path: provider, config and event are read, and samples replace what is missing. The
 * provider builds both its forms, and the answer shows them with their size and the parts that
 * were cut. No host is looked up, and nothing is stored. Failure: 400 with the field. URLs,
 * headers and credentials are not part of the answer.
 */
#include "channels/preview.h"

#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "channels/call.h"
#include "channels/draft.h"
#include "channels/mask.h"
#include "channels/request_view.h"
#include "channels/rows.h"
#include "channels/sample.h"
#include "channels/team_name.h"
#include "core/channel_hold.h"
#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"
#include "core/version.h"

/* How long before now a digest's first event was, and a living message's first state. */
#define BEFORE_US (INT64_C(192) * 1000000)

struct preview {
	struct api_call call;
	struct draft draft;
	struct provider_config config; /* from the client, or a sample */
	bool has_config;               /* `config` is from the client */
	char timestamp[RFC3339_TEXT_SIZE];
	char began
		[RFC3339_TEXT_SIZE]; /* when the first event of a digest was, or the first state */
	char team[ID_TEXT_SIZE];
	struct buf team_name; /* empty while the store is away */
	struct event *event;  /* or a digest: */
	struct digest digest;
	struct buf body; /* the message's: event or digest as JSON */
	struct str note; /* why a fallback gets the message */
	struct trims trims;
};

static void end_preview(struct api_call *call)
{
	struct preview *preview = container_of(call, struct preview, call);

	draft_done(&preview->draft);
	event_free(preview->event);
	buf_done(&preview->body);
	buf_done(&preview->team_name);
}

/* ---- what is to be shown ------------------------------------------------------------------- */

static int take_kind(struct preview *preview, const char *word, struct buf *json,
		     struct reason *why)
{
	enum event_kind kind = event_kind_find(str_of(word));

	if (!event_kind_is_subscribable(kind))
		return event_kind_refuse(str_of(word), "event", event_kind_is_subscribable, why);
	sample_write(json, kind, channels_of(&preview->call)->notify_completion,
		     str_of(preview->team), str_of(preview->timestamp));
	return json->err;
}

/* An event without time or team gets the request's. No provider writes settings into a message,
 * so a credential can come only from the event. */
static int take_object(struct preview *preview, cJSON *event, struct buf *json)
{
	bool good = true;

	if (preview->has_config)
		mask_event(event, &preview->config);
	if (!json_get(event, "timestamp"))
		good &= cJSON_AddStringToObject(event, "timestamp", preview->timestamp) != NULL;
	if (!json_get(event, "team_id"))
		good &= cJSON_AddStringToObject(event, "team_id", preview->team) != NULL;
	json_add_value(json, event);
	return good ? json->err : -ENOMEM;
}

/* Fields that the operator strips are in neither the body nor the message, as in a delivery. */
static int strip_host(struct preview *preview)
{
	const struct stream_id id = preview->event->id;

	event_write_body_without_host(&preview->body, preview->event);
	if (preview->body.err)
		return preview->body.err;
	event_free(preview->event);
	preview->event = NULL;
	return event_parse(buf_str(&preview->body), id, &preview->event, NULL);
}

static int parse_event(struct preview *preview, struct str json, struct reason *why)
{
	const struct stream_id id = { .ms = (uint64_t)preview->call.now_us / 1000 };
	struct reason fault = { .text = "" };
	int rc = event_parse(json, id, &preview->event, &fault);

	if (rc == -ENOMEM)
		return rc;
	if (rc < 0)
		return reason_set(why, -EINVAL, "event", "event cannot be read: %s", fault.text);
	/* The id that the stream would give it then, so the same event always has the same
	 * preview. */
	if (preview->event->time_us > 0)
		preview->event->id.ms = (uint64_t)preview->event->time_us / 1000;
	if (!event_kind_is_subscribable(preview->event->kind))
		return event_kind_refuse(preview->event->kind_text, "event",
					 event_kind_is_subscribable, why);
	if (channels_of(&preview->call)->strip_host)
		return strip_host(preview);
	event_write_body(&preview->body, preview->event);
	return preview->body.err;
}

static int take_event(struct preview *preview, struct reason *why)
{
	cJSON *event = cJSON_GetObjectItemCaseSensitive(preview->draft.tree, "event");
	struct buf json;
	int rc;

	buf_init(&json, (size_t)2 * EVENT_MAX_BYTES);
	if (cJSON_IsString(event))
		rc = take_kind(preview, event->valuestring, &json, why);
	else if (cJSON_IsObject(event))
		rc = take_object(preview, event, &json);
	else
		rc = reason_set(why, -EINVAL, "event",
				"event is required and must be a kind or an event");
	if (rc == 0)
		rc = parse_event(preview, buf_str(&json), why);
	else if (rc == -E2BIG)
		rc = reason_set(why, -EINVAL, "event", "event is too large");
	buf_done(&json);
	return rc;
}

static int take_digest(struct preview *preview, struct reason *why)
{
	if (!preview->draft.provider->folds)
		return reason_set(why, -EINVAL, "digest",
				  "this provider gets every event separately, so it has no digest");
	sample_digest(&preview->digest, str_of(preview->team), str_of(preview->began),
		      str_of(preview->timestamp));
	digest_write(&preview->body, &preview->digest);
	return preview->body.err;
}

static int take_message(struct preview *preview, struct reason *why)
{
	const cJSON *digest = json_get(preview->draft.tree, "digest");

	if (digest && !cJSON_IsBool(digest))
		return reason_set(why, -EINVAL, "digest", "digest must be true or false");
	return cJSON_IsTrue(digest) ? take_digest(preview, why) : take_event(preview, why);
}

/* ---- building the preview ------------------------------------------------------------------ */

static int build_with(struct preview *preview, const struct provider_config *config,
		      enum message_form form, const struct message_life *life, struct outgoing *out)
{
	const struct message message = {
		.body = buf_str(&preview->body),
		.event = preview->event,
		.digest = preview->event ? NULL : &preview->digest,
		.team_name = buf_str(&preview->team_name),
		.form = form,
		.life = life,
		.note = preview->note,
		.link_base = channels_of(&preview->call)->route->attempts.link_base,
		.trims = form == FORM_RICH ? &preview->trims : NULL,
	};
	const struct attempt attempt = {
		.delivery_id = STR("00000000-0000-4000-8000-000000000000"),
		.number = 1,
		.now_us = preview->call.now_us,
		.user_agent = "wrenn-events/" WRENN_EVENTS_VERSION,
	};

	preview->trims.count = 0;
	outgoing_init(out);
	return preview->draft.provider->build(&message, config, &attempt, out);
}

/* Some settings need a look-up first (a room that is given by its alias). Then the request is not
 * a message, and the sample's is shown, which differs only in its URL. */
static int build(struct preview *preview, enum message_form form, const struct message_life *life,
		 struct outgoing *out)
{
	struct provider_config sample;
	int rc = build_with(preview, &preview->config, form, life, out);

	if (rc < 0 || out->body.len > 0)
		return rc;
	outgoing_done(out);
	sample_config(&sample, preview->draft.provider);
	return build_with(preview, &sample, form, life, out);
}

/* ---- showing the preview ------------------------------------------------------------------- */

/* The text that is sent when the rich form is refused. A webhook has one form only. */
static int add_plain(struct preview *preview)
{
	struct outgoing plain;
	int rc;

	if (!preview->draft.provider->folds)
		return 0;
	rc = build(preview, FORM_PLAIN, NULL, &plain);
	if (rc == 0)
		json_add_member(&preview->call.json, "plain_body", buf_str(&plain.body));
	outgoing_done(&plain);
	return rc;
}

static bool is_edited(const struct preview *preview)
{
	const struct event *event = preview->event;

	return preview->draft.options.is_living && event && living_kind(event->kind) &&
	       event->outcome != OUTCOME_ERROR &&
	       provider_edits(preview->draft.provider, &preview->config);
}

/* The same event as the next state of a message that was posted before. */
static int add_edited(struct preview *preview)
{
	const struct trims trims = preview->trims;
	struct message_life life = { .began_us = preview->call.now_us - BEFORE_US };
	char trail[TRAIL_SIZE];
	struct outgoing edited;
	int rc;

	if (!is_edited(preview))
		return 0;
	rc = sample_trail(preview->event->kind, channels_of(&preview->call)->notify_completion,
			  trail);
	if (rc < 0)
		return rc;
	life.replaces = str_of(preview->draft.provider->edit->example);
	life.trail = str_of(trail);
	rc = build(preview, FORM_RICH, &life, &edited);
	if (rc == 0) {
		json_add_member(&preview->call.json, "edited_method", str_of(edited.method));
		json_add_member(&preview->call.json, "edited_body", buf_str(&edited.body));
	}
	outgoing_done(&edited);
	preview->trims = trims;
	return rc;
}

/* The message that the fallback would get; a webhook gets the same body and a header. The real note
 * has the name of this channel and its last error. */
static int add_instead(struct preview *preview)
{
	const struct trims trims = preview->trims;
	struct outgoing instead;
	char note[128];
	int rc;

	if (!preview->draft.options.fallback.is_set || !preview->draft.provider->folds)
		return 0;
	snprintf(note, sizeof(note),
		 "this channel, which has failed since %.10s %.5s UTC: its last error",
		 preview->timestamp, preview->timestamp + 11);
	preview->note = str_of(note);
	rc = build(preview, FORM_RICH, NULL, &instead);
	if (rc == 0)
		json_add_member(&preview->call.json, "instead_body", buf_str(&instead.body));
	outgoing_done(&instead);
	preview->note = STR("");
	preview->trims = trims;
	return rc;
}

/* Until when the message would be held now. */
static int add_held(struct preview *preview)
{
	const struct event *event = preview->event;
	struct channel_hold_subject subject = { .resource = STR("") };
	char text[RFC3339_TEXT_SIZE];
	struct channel_hold hold;
	int64_t until_us;
	int rc = channel_hold_look(&preview->draft.options, preview->call.now_us, &hold);

	if (rc < 0)
		return rc;
	if (event)
		subject.is_failure = channel_hold_is_failure(
			event->kind_text, event->outcome == OUTCOME_ERROR ? STR("error") : STR(""));
	until_us = channel_hold_until(&hold, &subject);
	if (until_us == 0)
		return 0;
	rfc3339_format(until_us, 0, text);
	json_add_member(&preview->call.json, "held_until", str_of(text));
	return 0;
}

/* The rule that keeps the event from the channel. The message is shown anyway. */
static void add_filtered(struct preview *preview)
{
	const char *rule = NULL;

	if (preview->event)
		rule = event_filter_refusal(&preview->draft.options.filter, preview->event);
	if (rule)
		json_add_member(&preview->call.json, "filtered", str_of(rule));
}

static int show(struct preview *preview)
{
	const struct provider *provider = preview->draft.provider;
	struct buf *json = &preview->call.json;
	struct outgoing rich;
	int rc = build(preview, FORM_RICH, NULL, &rich);

	if (rc == 0) {
		buf_add_char(json, '{');
		request_view_write(json, provider, &rich);
		request_view_write_cuts(json, &preview->trims);
		add_filtered(preview);
		rc = add_held(preview);
		if (rc == 0)
			rc = add_plain(preview);
		if (rc == 0)
			rc = add_edited(preview);
		if (rc == 0)
			rc = add_instead(preview);
		buf_add_char(json, '}');
		channel_add_warnings(json, provider, &preview->config);
	}
	outgoing_done(&rich);
	return rc < 0 ? rc : json->err;
}

/* ---- the request --------------------------------------------------------------------------- */

static int read_request(struct preview *preview, struct str body, struct reason *why)
{
	struct draft *draft = &preview->draft;
	int rc = draft_parse(body, DRAFT_PROVIDER | DRAFT_OPTIONS, draft, why);

	if (rc < 0)
		return rc;
	if (json_get(draft->tree, "config")) {
		draft_done(draft);
		rc = draft_parse(body, DRAFT_PROVIDER | DRAFT_CONFIG | DRAFT_OPTIONS, draft, why);
		if (rc < 0)
			return rc;
		draft_complete_secret(draft);
		preview->config = draft->config;
		preview->has_config = true;
	} else {
		sample_config(&preview->config, draft->provider);
	}
	return take_message(preview, why);
}

static void refuse(struct preview *preview, int rc, struct reason *why)
{
	if (rc == -E2BIG)
		rc = reason_set(why, -EINVAL, "event", "event does not fit into a message");
	api_call_refuse_input(&preview->call, rc, why);
}

static void answer(struct preview *preview)
{
	struct reason why = { .text = "" };
	int rc = show(preview);

	if (rc < 0)
		refuse(preview, rc, &why);
	else
		api_call_answer(&preview->call, 200);
}

static int run_read_team(struct db *db, struct store_job *job)
{
	struct preview *preview = container_of(job, struct preview, call.job);

	return team_name_read(db, &preview->call.who.team, &preview->team_name);
}

/* Without the name the message shows the team's id alone. */
static void on_team_read(struct store_job *job, int rc)
{
	struct preview *preview = container_of(job, struct preview, call.job);

	if (rc < 0)
		buf_reset(&preview->team_name);
	answer(preview);
}

static void name_team(struct preview *preview)
{
	struct api_call *call = &preview->call;

	call->job.team = call->who.team;
	call->job.run = run_read_team;
	call->job.on_done = on_team_read;
	if (store_read_for_request(call->api.store, &call->job) < 0)
		answer(preview);
}

void preview_message(struct http_request *request, void *owner)
{
	struct preview *preview;
	struct api_call *call;
	struct reason why = { .text = "" };
	int rc;

	if (!body_is_json(request))
		return;
	call = api_call_new(owner, request, sizeof(*preview));
	if (!call)
		return;
	preview = container_of(call, struct preview, call);
	call->done = end_preview;
	buf_init(&preview->body, (size_t)2 * EVENT_MAX_BYTES);
	buf_init(&preview->team_name, TEAM_NAME_MAX);
	rfc3339_format(call->now_us, 0, preview->timestamp);
	rfc3339_format(call->now_us - BEFORE_US, 0, preview->began);
	id_format(ID_TEAM, &call->who.team, preview->team);
	rc = read_request(preview, http_request_body(request), &why);
	if (rc == 0)
		name_team(preview);
	else
		refuse(preview, rc, &why);
}
