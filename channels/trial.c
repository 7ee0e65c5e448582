/* SPDX-License-Identifier: Apache-2.0 */

/*
 * POST /v1/channels/test (contract c.7): one notification, nothing stored, nothing retried.
 *
 * Happy path: the body is checked as for a channel, its targets judged, the test event built and sent
 * through the client, guard and origins of every delivery, and what came back is judged.
 * Failure: 400 with the field, 429 after ten in a minute, 502 with what the destination said in our
 * words. A message refused for its form goes out once more as plain text, a destination that
 * has moved is followed once; all of it within the same ten seconds. Each request takes a token of the
 * destination's pace, as every delivery does: one that is there in time is waited for, else it is a 429.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "channels/draft.h"
#include "channels/endpoints.h"
#include "channels/parts.h"
#include "channels/rows.h"
#include "channels/sample.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "targets/targets.h"

#define TRIAL_MS 10000

struct trial {
	struct api_call call;
	struct draft draft;
	struct target_check check;
	bool has_place; /* among those under way */
	int64_t deadline_ms;
	enum message_form form;
	bool has_moved;
	struct uuid delivery;
	char moved_to[VERDICT_VALUE_SIZE]; /* the config may point at it */
	struct paced paced;
	struct outbound_call *outbound;
};

static void end_trial(struct api_call *call)
{
	struct trial *trial = container_of(call, struct trial, call);

	if (trial->has_place)
		trials_leave(channels_of(call)->trials, &call->who.team);
	draft_done(&trial->draft);
	explicit_bzero(trial->moved_to, sizeof(trial->moved_to));
}

/* ---- building and sending ---------------------------------------------------------------- */

static void on_answer(const struct answer *answer, void *owner);

static int send_event(struct trial *trial, const struct event *event, struct str body,
		      unsigned timeout_ms)
{
	struct attempt_order order = {
		.provider = trial->draft.provider,
		.config = &trial->draft.config,
		.delivery = &trial->delivery,
		.message = { .body = body, .event = event, .form = trial->form },
		.attempt = { .number = 1, .now_us = trial->call.now_us },
		.timeout_ms = timeout_ms,
	};

	return attempt_send(&channels_of(&trial->call)->route, &order, on_answer, trial,
			    &trial->outbound);
}

static int send_sample(struct trial *trial, unsigned timeout_ms)
{
	char timestamp[RFC3339_TEXT_SIZE];
	struct event event;
	struct buf body;
	int rc;

	rfc3339_format(trial->call.now_us, 0, timestamp);
	sample_test(&event, str_of(timestamp));
	buf_init(&body, 4096);
	event_write_body(&body, &event);
	rc = body.err ? body.err : send_event(trial, &event, buf_str(&body), timeout_ms);
	buf_done(&body);
	return rc;
}

static void send_trial(struct trial *trial)
{
	int64_t left_ms = trial->deadline_ms - clock_mono_ms();
	int rc;

	if (left_ms <= 0) {
		api_call_refuse_text(&trial->call, HTTP_DELIVERY_FAILED, NULL, "timed out");
		return;
	}
	rc = send_sample(trial, (unsigned)left_ms);
	if (rc < 0)
		api_call_fail(&trial->call, rc);
}

/* ---- its turn ---------------------------------------------------------------------------- */

static void refuse_for(struct api_call *call, int64_t wait_us, const char *sentence)
{
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%lld", (long long)((wait_us + 999999) / 1000000));
	http_respond_header(call->request, "Retry-After", str_of(seconds));
	api_call_refuse_text(call, HTTP_RATE_LIMITED, NULL, sentence);
}

static void find_paces(struct trial *trial)
{
	const struct provider *provider = trial->draft.provider;

	trial->paced = (struct paced){ .provider = provider, .user.team = trial->call.who.team };
	if (provider->paces)
		trial->paced.count = provider->paces(&trial->draft.config, trial->paced.list);
}

static void send_in_turn(struct trial *trial);

static void on_pause_over(int rc, void *owner)
{
	struct trial *trial = owner;

	if (rc < 0)
		api_call_fail(&trial->call, rc);
	else
		send_in_turn(trial);
}

static void wait_for_turn(struct trial *trial, int64_t wait_us)
{
	int64_t wait_ms = (wait_us + 999) / 1000;
	int rc;

	if (wait_ms >= trial->deadline_ms - clock_mono_ms()) {
		refuse_for(&trial->call, wait_us,
			   "the destination may not be sent anything more for now");
		return;
	}
	rc = pause_start(&channels_of(&trial->call)->pauses, (uint64_t)wait_ms, on_pause_over,
			 trial);
	if (rc < 0)
		api_call_fail(&trial->call, rc);
}

static void send_in_turn(struct trial *trial)
{
	const struct channels *channels = channels_of(&trial->call);
	int64_t now_us = channels->mono_us();
	int64_t next_us = 0;

	if (channels->is_closing) {
		api_call_fail(&trial->call, -ECANCELED);
		return;
	}
	if (trial->draft.provider->paces)
		next_us = paces_take(channels->paces, &trial->paced, now_us);
	if (next_us == 0)
		send_trial(trial);
	else
		wait_for_turn(trial, next_us - now_us);
}

/* ---- what came back ---------------------------------------------------------------------- */

static bool follow_move(struct trial *trial, const struct verdict *verdict)
{
	struct provider_config *config = &trial->draft.config;

	if (trial->has_moved || !verdict->field)
		return false;
	for (size_t i = 0; i < config->count; i++) {
		if (strcmp(config->fields[i].name, verdict->field) != 0)
			continue;
		trial->has_moved = true;
		memcpy(trial->moved_to, verdict->value, sizeof(trial->moved_to));
		config->fields[i].value = str_of(trial->moved_to);
		find_paces(trial);
		return true;
	}
	return false;
}

/* Whether it is worth another request at once. */
static bool follow(struct trial *trial, const struct verdict *verdict)
{
	if (verdict->kind == VERDICT_REBIND)
		return follow_move(trial, verdict);
	if (verdict->kind != VERDICT_REFORM || trial->form == FORM_PLAIN)
		return false;
	trial->form = FORM_PLAIN;
	return true;
}

static void answer_failure(struct trial *trial, const struct answer *answer,
			   const struct verdict *verdict)
{
	struct reason why;
	char sentence[VERDICT_TEXT_SIZE];

	verdict_describe(trial->draft.provider, answer, verdict, sentence);
	(void)reason_set(&why, 0, NULL, "%s", sentence);
	api_call_refuse(&trial->call, HTTP_DELIVERY_FAILED, &why);
}

static void answer_success(struct trial *trial)
{
	struct api_call *call = &trial->call;

	buf_add_text(&call->json, "{\"status\":\"ok\"}");
	channel_add_warnings(&call->json, trial->draft.provider, &trial->draft.config);
	api_call_answer(call, 200);
}

static void on_answer(const struct answer *answer, void *owner)
{
	struct trial *trial = owner;
	const struct channels *channels = channels_of(&trial->call);
	const struct provider *provider = trial->draft.provider;
	struct verdict verdict;

	if (answer->fault == ANSWER_CANCELLED) {
		api_call_fail(&trial->call, -ECANCELED);
		return;
	}
	verdict = provider->judge(answer, channels->now_us());
	if (provider->paces)
		paces_learn(channels->paces, &trial->paced, &verdict, answer->status,
			    channels->mono_us());
	if (verdict.kind == VERDICT_DELIVERED)
		answer_success(trial);
	else if (follow(trial, &verdict))
		send_in_turn(trial);
	else
		answer_failure(trial, answer, &verdict);
}

/* ---- the request ------------------------------------------------------------------------- */

static void on_judged(int rc, const struct reason *why, void *owner)
{
	struct trial *trial = owner;

	if (rc < 0) {
		api_call_refuse_input(&trial->call, rc, why);
		return;
	}
	draft_complete_secret(&trial->draft);
	uuid_v4(&trial->delivery);
	trial->deadline_ms = clock_mono_ms() + TRIAL_MS;
	find_paces(trial);
	send_in_turn(trial);
}

/* Answers and frees when the team, or everybody together, has tried too often. */
static bool is_allowed(struct trial *trial)
{
	struct api_call *call = &trial->call;
	struct trials *trials = channels_of(call)->trials;
	int64_t wait_us = trials_take(trials, &call->who.team, clock_mono_us());

	if (wait_us > 0) {
		refuse_for(call, wait_us, "a team may send ten test notifications a minute");
		return false;
	}
	trial->has_place = trials_enter(trials, &call->who.team);
	if (!trial->has_place)
		api_call_fail(call, -EBUSY);
	return trial->has_place;
}

void try_channel(struct http_request *request, void *owner)
{
	struct trial *trial;
	struct api_call *call;
	struct reason why = { .text = "" };
	int rc;

	if (!body_is_json(request))
		return;
	call = api_call_new(owner, request, sizeof(*trial));
	if (!call)
		return;
	trial = container_of(call, struct trial, call);
	call->done = end_trial;
	rc = draft_parse(http_request_body(request), DRAFT_PROVIDER | DRAFT_CONFIG, &trial->draft,
			 &why);
	if (rc < 0) {
		api_call_refuse_input(call, rc, &why);
		return;
	}
	if (!is_allowed(trial))
		return;
	trial->check = (struct target_check){
		.guard = &channels_of(call)->guard,
		.origins = channels_of(call)->route.origins,
		.origin_count = channels_of(call)->route.origin_count,
		.provider = trial->draft.provider,
		.config = &trial->draft.config,
		.team = call->who.team,
		.on_done = on_judged,
		.owner = trial,
	};
	target_check_start(&trial->check);
}
