/* SPDX-License-Identifier: Apache-2.0 */

/*
 * POST /v1/channels/test (contract c.7): sends one notification; stores and retries nothing.
 *
 * Happy path: the body and its targets are checked as for a channel. Then the team's name is read,
 * the test event is built and sent as every delivery is, and the provider judges the answer.
 * Failure: 400 names the field, 429 comes after ten tests a minute, 502 says what the destination
 * answered. A message refused for its form goes out again as plain text; a destination that moved
 * is followed once. All of it takes ten seconds at most. Each request takes a token of the
 * destination's pace. If the token comes too late, the answer is 429.
 */
#include "channels/test_send.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "channels/call.h"
#include "channels/draft.h"
#include "channels/rows.h"
#include "channels/sample.h"
#include "channels/team_name.h"
#include "core/clock.h"
#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "targets/targets.h"

#define TEST_SEND_MS 10000

struct test_send {
	struct api_call call;
	struct draft draft;
	struct target_check check;
	bool has_place; /* among the running tests */
	int64_t deadline_ms;
	enum message_form form;
	bool has_moved;
	struct uuid delivery;
	struct buf team_name;              /* empty while the store is away */
	char moved_to[VERDICT_VALUE_SIZE]; /* the config may point here */
	struct paced paced;
	struct outbound_call *outbound;
};

static void end_test(struct api_call *call)
{
	struct test_send *test = container_of(call, struct test_send, call);

	if (test->has_place)
		test_quota_leave(channels_of(call)->quota, &call->who.team);
	draft_done(&test->draft);
	buf_done(&test->team_name);
	explicit_bzero(test->moved_to, sizeof(test->moved_to));
}

/* ---- building and sending ---------------------------------------------------------------- */

static void on_answer(const struct answer *answer, void *owner);

static int send_event(struct test_send *test, const struct event *event, struct str body,
		      const struct message_test *facts, unsigned timeout_ms)
{
	struct attempt_order order = {
		.provider = test->draft.provider,
		.config = &test->draft.config,
		.delivery = &test->delivery,
		.message = { .body = body, .event = event, .test = facts, .form = test->form },
		.attempt = { .number = 1, .now_us = test->call.now_us },
		.timeout_ms = timeout_ms,
	};

	return attempt_send(&channels_of(&test->call)->route->attempts, &order, on_answer, test,
			    &test->outbound);
}

/* Who sends it, and where to. The name of the channel is not checked: it may not be final. */
static int send_sample(struct test_send *test, unsigned timeout_ms)
{
	const struct identity *who = &test->call.who;
	char timestamp[RFC3339_TEXT_SIZE];
	char team[ID_TEXT_SIZE];
	char sender[sizeof(who->name) + sizeof("api_key ")];
	struct event event;
	struct buf body;
	int rc;

	rfc3339_format(test->call.now_us, 0, timestamp);
	id_format(ID_TEAM, &who->team, team);
	snprintf(sender, sizeof(sender), "%s%s",
		 who->credential == CREDENTIAL_API_KEY ? "api_key " : "", who->name);
	sample_test(&event, str_of(timestamp));

	const struct message_test facts = {
		.channel = str_of(json_get_string(test->draft.tree, "name")),
		.team = str_of(team),
		.team_name = buf_str(&test->team_name),
		.sent_by = str_of(sender),
	};

	buf_init(&body, 4096);
	event_write_body(&body, &event);
	rc = body.err ? body.err : send_event(test, &event, buf_str(&body), &facts, timeout_ms);
	buf_done(&body);
	return rc;
}

static void send_in_time(struct test_send *test)
{
	int64_t left_ms = test->deadline_ms - clock_mono_ms();
	int rc;

	if (left_ms <= 0) {
		api_call_refuse_text(&test->call, HTTP_DELIVERY_FAILED, NULL, "timed out");
		return;
	}
	rc = send_sample(test, (unsigned)left_ms);
	if (rc < 0)
		api_call_fail(&test->call, rc);
}

/* ---- its turn ---------------------------------------------------------------------------- */

static void refuse_for(struct api_call *call, int64_t wait_us, const char *sentence)
{
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%lld", (long long)((wait_us + 999999) / 1000000));
	http_respond_header(call->request, "Retry-After", str_of(seconds));
	api_call_refuse_text(call, HTTP_RATE_LIMITED, NULL, sentence);
}

static void find_paces(struct test_send *test)
{
	const struct provider *provider = test->draft.provider;

	test->paced = (struct paced){ .provider = provider, .user.team = test->call.who.team };
	if (provider->paces)
		test->paced.count = provider->paces(&test->draft.config, test->paced.list);
}

static void send_in_turn(struct test_send *test);

static void on_pause_over(int rc, void *owner)
{
	struct test_send *test = owner;

	if (rc < 0)
		api_call_fail(&test->call, rc);
	else
		send_in_turn(test);
}

static void wait_for_turn(struct test_send *test, int64_t wait_us)
{
	int64_t wait_ms = (wait_us + 999) / 1000;
	int rc;

	if (wait_ms >= test->deadline_ms - clock_mono_ms()) {
		refuse_for(&test->call, wait_us,
			   "the destination accepts no more messages for now; try again later");
		return;
	}
	rc = pause_start(&channels_of(&test->call)->pauses, (uint64_t)wait_ms, on_pause_over, test);
	if (rc < 0)
		api_call_fail(&test->call, rc);
}

static void send_in_turn(struct test_send *test)
{
	const struct channels *channels = channels_of(&test->call);
	int64_t now_us = channels->mono_us();
	int64_t next_us = 0;

	if (channels->is_closing) {
		api_call_fail(&test->call, -ECANCELED);
		return;
	}
	if (test->draft.provider->paces)
		next_us = paces_take(channels->route->paces, &test->paced, now_us);
	if (next_us == 0)
		send_in_time(test);
	else
		wait_for_turn(test, next_us - now_us);
}

/* ---- what came back ---------------------------------------------------------------------- */

static bool follow_move(struct test_send *test, const struct verdict *verdict)
{
	struct provider_config *config = &test->draft.config;

	if (test->has_moved || !verdict->field)
		return false;
	for (size_t i = 0; i < config->count; i++) {
		if (strcmp(config->fields[i].name, verdict->field) != 0)
			continue;
		test->has_moved = true;
		memcpy(test->moved_to, verdict->value, sizeof(test->moved_to));
		config->fields[i].value = str_of(test->moved_to);
		find_paces(test);
		return true;
	}
	return false;
}

/* True when another request may succeed at once. */
static bool follow(struct test_send *test, const struct verdict *verdict)
{
	if (verdict->kind == VERDICT_REBIND)
		return follow_move(test, verdict);
	if (verdict->kind != VERDICT_REFORM || test->form == FORM_PLAIN)
		return false;
	test->form = FORM_PLAIN;
	return true;
}

static void answer_failure(struct test_send *test, const struct answer *answer,
			   const struct verdict *verdict)
{
	struct reason why;
	char sentence[VERDICT_TEXT_SIZE];

	verdict_describe(test->draft.provider, answer, verdict, sentence);
	(void)reason_set(&why, 0, NULL, "%s", sentence);
	api_call_refuse(&test->call, HTTP_DELIVERY_FAILED, &why);
}

static void answer_success(struct test_send *test)
{
	struct api_call *call = &test->call;

	buf_add_text(&call->json, "{\"status\":\"ok\"}");
	channel_add_warnings(&call->json, test->draft.provider, &test->draft.config);
	api_call_answer(call, 200);
}

static void on_answer(const struct answer *answer, void *owner)
{
	struct test_send *test = owner;
	const struct channels *channels = channels_of(&test->call);
	const struct provider *provider = test->draft.provider;
	struct verdict verdict;

	if (answer->fault == ANSWER_CANCELLED) {
		api_call_fail(&test->call, -ECANCELED);
		return;
	}
	verdict = provider_judge(provider, &test->draft.config, answer, channels->api.now_us());
	if (provider->paces)
		paces_learn(channels->route->paces, &test->paced, &verdict, answer->status,
			    channels->mono_us());
	if (verdict.kind == VERDICT_DELIVERED)
		answer_success(test);
	else if (follow(test, &verdict))
		send_in_turn(test);
	else
		answer_failure(test, answer, &verdict);
}

/* ---- the team's name --------------------------------------------------------------------- */

static int run_read_team(struct db *db, struct store_job *job)
{
	struct test_send *test = container_of(job, struct test_send, call.job);

	return team_name_read(db, &test->call.who.team, &test->team_name);
}

/* Without the name the message shows the team's id alone. */
static void on_team_read(struct store_job *job, int rc)
{
	struct test_send *test = container_of(job, struct test_send, call.job);

	if (rc < 0)
		buf_reset(&test->team_name);
	send_in_turn(test);
}

static void name_team(struct test_send *test)
{
	struct api_call *call = &test->call;

	buf_init(&test->team_name, TEAM_NAME_MAX);
	call->job.team = call->who.team;
	call->job.run = run_read_team;
	call->job.on_done = on_team_read;
	if (store_read_for_request(call->api.store, &call->job) < 0)
		send_in_turn(test);
}

/* ---- the request ------------------------------------------------------------------------- */

static void on_judged(int rc, const struct reason *why, void *owner)
{
	struct test_send *test = owner;

	if (rc < 0) {
		api_call_refuse_input(&test->call, rc, why);
		return;
	}
	draft_complete_secret(&test->draft);
	uuid_v4(&test->delivery);
	test->deadline_ms = clock_mono_ms() + TEST_SEND_MS;
	find_paces(test);
	name_team(test);
}

/* Answers and frees the call when the team, or all teams together, have sent too many tests. */
static bool is_allowed(struct test_send *test)
{
	struct api_call *call = &test->call;
	struct test_quota *quota = channels_of(call)->quota;
	int64_t wait_us = test_quota_take(quota, &call->who.team, clock_mono_us());

	if (wait_us > 0) {
		refuse_for(call, wait_us, "a team may send ten test notifications a minute");
		return false;
	}
	test->has_place = test_quota_enter(quota, &call->who.team);
	if (!test->has_place)
		api_call_fail(call, -EBUSY);
	return test->has_place;
}

void send_test(struct http_request *request, void *owner)
{
	struct test_send *test;
	struct api_call *call;
	struct reason why = { .text = "" };
	int rc;

	if (!body_is_json(request))
		return;
	call = api_call_new(owner, request, sizeof(*test));
	if (!call)
		return;
	test = container_of(call, struct test_send, call);
	call->done = end_test;
	rc = draft_parse(http_request_body(request), DRAFT_PROVIDER | DRAFT_CONFIG, &test->draft,
			 &why);
	if (rc < 0) {
		api_call_refuse_input(call, rc, &why);
		return;
	}
	if (!is_allowed(test))
		return;
	test->check = (struct target_check){
		.guard = &channels_of(call)->route->guard,
		.origins = channels_of(call)->route->attempts.origins,
		.origin_count = channels_of(call)->route->attempts.origin_count,
		.provider = test->draft.provider,
		.config = &test->draft.config,
		.team = call->who.team,
		.on_done = on_judged,
		.owner = test,
	};
	target_check_start(&test->check);
}
