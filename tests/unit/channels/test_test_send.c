/* SPDX-License-Identifier: Apache-2.0 */

/* POST /v1/channels/test over HTTP: the request, the answer, and how often. */
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/calls.h"
#include "tests/support/destination.h"

#define TEST "/v1/channels/test"
#define SLACK_MEMBERS                                         \
	"\"provider\":\"slack\",\"config\":{\"webhook_url\":" \
	"\"https://hooks.slack.com/services/T0EXAMPLE/B0EXAMPLE/s3cret\"}}"
#define SLACK "{" SLACK_MEMBERS
#define TELEGRAM                                                        \
	"{\"provider\":\"telegram\",\"config\":{\"chat_id\":\"-1001\"," \
	"\"bot_token\":\"12345678:s3cret-s3cret-s3cret-s3cret-s3cret\"}}"

/* When the last request came, by the clock of the test. */
static int64_t last_us;

static enum receiver_reply play(const struct received *request, struct buf *out, void *arg)
{
	last_us = rig_now_us;
	return script_answer(request, out, arg);
}

/* Points the chat providers' origins at the receiver. */
static void redirect(struct rig *rig)
{
	static char origin[64];
	static const struct target_origin origins[] = {
		{ "slack", origin },
		{ "telegram", origin },
		{ "matrix", origin },
	};

	snprintf(origin, sizeof(origin), "http://127.0.0.1:%d", receiver_port(rig->receiver));
	rig->route->attempts.origins = origins;
	rig->route->attempts.origin_count = ARRAY_LEN(origins);
}

static void open_with(struct rig *rig, struct script *script, bool strict)
{
	const struct rig_options options = { .strict = strict,
					     .answer = script ? play : NULL,
					     .arg = script };

	rig_open(rig, DATABASE_SQLITE, &options);
	redirect(rig);
}

/* The clock runs a hundred times as fast as real time, so that a pace of seconds is soon over. */
static uv_timer_t clock_timer;
static int64_t clock_from_us; /* no request was sent before it */

static void on_clock(uv_timer_t *timer)
{
	(void)timer;
	rig_now_us += SECOND_US / 10;
}

static void start_clock(struct rig *rig)
{
	clock_from_us = rig_now_us;
	uv_timer_init(&rig->loop, &clock_timer);
	uv_timer_start(&clock_timer, on_clock, 1, 1);
}

static void stop_clock(void)
{
	uv_close((uv_handle_t *)&clock_timer, NULL);
}

static int try_webhook(struct rig *rig, const char *more)
{
	char body[256];

	snprintf(body, sizeof(body),
		 "{\"provider\":\"webhook\",\"config\":{\"url\":\"http://127.0.0.1:%d/s3cret\"%s}}",
		 receiver_port(rig->receiver), more);
	return call(rig, "POST", TEST, body);
}

/* ---- what is sent ------------------------------------------------------------------------ */

static void send_to_webhook(struct rig *rig)
{
	const struct received *request;

	cr_assert_eq(try_webhook(rig, ""), 200, "%s", call_answer);
	cr_expect_str_eq(call_answer, "{\"status\":\"ok\"}\n");
	cr_assert_eq(receiver_count(rig->receiver), 1);
	request = receiver_get(rig->receiver, 0);
	cr_expect_str_eq(request->method, "POST");
	cr_expect_str_eq(request->target, "/s3cret");
	cr_expect_str_eq(request->body,
			 "{\"event\":\"channel.test\",\"timestamp\":\"2027-01-15T08:00:00Z\","
			 "\"team_id\":\"test\",\"actor\":{\"type\":\"system\"},"
			 "\"resource\":{\"id\":\"test\",\"type\":\"channel\"}}");
	cr_expect_gt(received_header(request, "X-Wrenn-Signature").len, 0);
	cr_expect_gt(received_header(request, "webhook-signature").len, 0);
	cr_expect(str_is(received_header(request, "X-Wrenn-Attempt"), "1"));
	cr_expect_eq(rig_ask(rig, "SELECT (SELECT count(*) FROM channels) + (SELECT count(*) FROM "
				  "audit_logs) + (SELECT count(*) FROM deliveries) + "
				  "(SELECT count(*) FROM attempts)"),
		     0);
}

Test(test_send, sends_one_signed_notification_and_stores_nothing)
{
	const struct rig_options options = { .strict = false };

	ON_BOTH_STORES(&options, send_to_webhook);
}

static void expect_sent(struct rig *rig, const char *piece)
{
	const char *body = receiver_get(rig->receiver, 0)->body;

	cr_expect(strstr(body, piece), "%s in %s", piece, body);
}

Test(test_send, sends_a_chat_message_where_the_operator_points_it)
{
	struct script script = { REPLIES({ .status = 200, .body = "ok" }) };
	struct rig rig;

	/* The guard is strict and hooks.slack.com does not resolve here, so only the override is
	 * connected to. */
	open_with(&rig, &script, true);
	cr_assert_eq(call(&rig, "POST", TEST, "{\"name\":\"Ops room\"," SLACK_MEMBERS), 200, "%s",
		     call_answer);
	cr_assert_eq(receiver_count(rig.receiver), 1);
	cr_expect_str_eq(receiver_get(rig.receiver, 0)->target,
			 "/services/T0EXAMPLE/B0EXAMPLE/s3cret");
	expect_sent(&rig, "{\"text\":\"Wrenn can reach this channel\"");
	expect_sent(&rig, "\"text\":\"*Channel*\"},{\"type\":\"plain_text\",\"emoji\":false,"
			  "\"text\":\"Ops room\"}");
	expect_sent(&rig, "\"text\":\"*Team*\"},{\"type\":\"plain_text\",\"emoji\":false,"
			  "\"text\":\"A (team-");
	expect_sent(&rig, "\"text\":\"*Sent by*\"},{\"type\":\"plain_text\",\"emoji\":false,"
			  "\"text\":\"api_key a key\"}");
	rig_close(&rig);
}

/* ---- what comes back --------------------------------------------------------------------- */

Test(test_send, says_in_our_words_why_a_destination_refused)
{
	static const struct {
		const char *body;
		int status;
		const char *answer;
		const char *says;
	} cases[] = {
		{ SLACK, 404, "no_service s3cret", "destination answered 404" },
		{ SLACK, 200, "not what Slack says", "destination answered 200" },
		{ SLACK, 403, "invalid_token", "destination answered 403 (" },
		{ TELEGRAM, 401, "{\"ok\":false,\"error_code\":401}", "destination answered 401" },
		{ TELEGRAM, 200, "{\"ok\":false}", "destination answered 200" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct script script = { REPLIES(
			{ .status = cases[i].status, .body = cases[i].answer }) };
		struct rig rig;

		open_with(&rig, &script, false);
		cr_expect_eq(call(&rig, "POST", TEST, cases[i].body), 502, "%s", call_answer);
		cr_expect(strstr(call_answer, "\"delivery_failed\""), "%s", call_answer);
		cr_expect(strstr(call_answer, cases[i].says), "%s", call_answer);
		cr_expect_null(strstr(call_answer, "s3cret"), "%s", call_answer);
		cr_expect_eq(receiver_count(rig.receiver), 1, "it was tried again");
		rig_close(&rig);
	}
}

Test(test_send, says_that_nobody_listens)
{
	struct rig rig;

	open_with(&rig, NULL, false);
	cr_expect_eq(
		call(&rig, "POST", TEST,
		     "{\"provider\":\"webhook\",\"config\":{\"url\":\"http://127.0.0.1:1/\"}}"),
		502);
	cr_expect(strstr(call_answer, "connection refused"), "%s", call_answer);
	rig_close(&rig);
}

Test(test_send, sends_plain_text_once_when_the_form_was_refused)
{
	struct script good = { REPLIES({ .status = 400, .body = "invalid_blocks" },
				       { .status = 200, .body = "ok" }) };
	struct script bad = { REPLIES({ .status = 400, .body = "invalid_blocks" }) };
	struct rig rig;

	open_with(&rig, &good, false);
	start_clock(&rig);
	cr_expect_eq(call(&rig, "POST", TEST, SLACK), 200, "%s", call_answer);
	cr_assert_eq(receiver_count(rig.receiver), 2);
	cr_expect(strstr(receiver_get(rig.receiver, 0)->body, "\"blocks\""));
	cr_expect_null(strstr(receiver_get(rig.receiver, 1)->body, "\"blocks\""));
	cr_expect_geq(last_us - clock_from_us, SECOND_US, "the pace was not kept");
	stop_clock();
	rig_close(&rig);
	open_with(&rig, &bad, false);
	start_clock(&rig);
	cr_expect_eq(call(&rig, "POST", TEST, SLACK), 502, "%s", call_answer);
	cr_expect_eq(receiver_count(rig.receiver), 2);
	stop_clock();
	rig_close(&rig);
}

Test(test_send, follows_a_group_that_moved_once)
{
	static const char moved[] =
		"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: "
		"group chat was upgraded to a supergroup chat\","
		"\"parameters\":{\"migrate_to_chat_id\":-1002}}";
	struct script good = { REPLIES(
		{ .status = 400, .body = moved },
		{ .status = 200, .body = "{\"ok\":true,\"result\":{\"message_id\":1}}" }) };
	struct script bad = { REPLIES({ .status = 400, .body = moved }) };
	struct rig rig;

	open_with(&rig, &good, false);
	start_clock(&rig);
	cr_expect_eq(call(&rig, "POST", TEST, TELEGRAM), 200, "%s", call_answer);
	cr_assert_eq(receiver_count(rig.receiver), 2);
	cr_expect(strstr(receiver_get(rig.receiver, 0)->body, "-1001"));
	cr_expect(strstr(receiver_get(rig.receiver, 1)->body, "-1002"), "%s",
		  receiver_get(rig.receiver, 1)->body);
	stop_clock();
	rig_close(&rig);
	open_with(&rig, &bad, false);
	start_clock(&rig);
	cr_expect_eq(call(&rig, "POST", TEST, TELEGRAM), 502, "%s", call_answer);
	cr_expect_eq(receiver_count(rig.receiver), 2);
	stop_clock();
	rig_close(&rig);
}

Test(test_send, looks_a_room_up_by_its_alias)
{
	struct script script = { REPLIES({ .status = 200,
					   .body = "{\"room_id\":\"!room:example.com\","
						   "\"servers\":[\"example.com\"]}" },
					 { .status = 200, .body = "{\"event_id\":\"$one\"}" }) };
	struct rig rig;

	open_with(&rig, &script, false);
	start_clock(&rig);
	cr_expect_eq(call(&rig, "POST", TEST,
			  "{\"provider\":\"matrix\",\"config\":{\"homeserver_url\":"
			  "\"https://matrix.example.com\",\"access_token\":\"s3cret\","
			  "\"room_id\":\"#ops:example.com\"}}"),
		     200, "%s", call_answer);
	cr_assert_eq(receiver_count(rig.receiver), 2);
	cr_expect_str_eq(receiver_get(rig.receiver, 0)->method, "GET");
	cr_expect_str_eq(receiver_get(rig.receiver, 1)->method, "PUT");
	stop_clock();
	rig_close(&rig);
}

/* ---- the destination's pace ---------------------------------------------------------------- */

static struct paced slack_paced(void)
{
	const struct provider_config config = {
		.count = 1,
		.fields = { { "webhook_url", STR("https://hooks.slack.com/services/T0EXAMPLE/"
						 "B0EXAMPLE/s3cret") } },
	};
	struct paced paced = { .provider = provider_find(STR("slack")), .count = 1 };

	cr_assert_eq(paced.provider->paces(&config, paced.list), 1);
	return paced;
}

static void refused_for(struct rig *rig, unsigned long long at_least_s,
			unsigned long long at_most_s)
{
	unsigned long long seconds = 0;
	struct str wait;

	cr_expect_eq(call(rig, "POST", TEST, SLACK), 429, "%s", call_answer);
	cr_expect(strstr(call_answer, "\"rate_limited\""), "%s", call_answer);
	cr_expect(strstr(call_answer, "the destination"), "%s", call_answer);
	wait = answer_header(&(struct answer){ .headers = str_of(rig_headers) }, "Retry-After");
	cr_expect(str_to_u64(wait, &seconds) && seconds >= at_least_s && seconds <= at_most_s, "%s",
		  rig_headers);
}

Test(test_send, is_no_request_while_deliveries_have_to_wait)
{
	struct verdict verdict = verdict_of(VERDICT_RETRY);
	const struct paced paced = slack_paced();
	struct rig rig;

	verdict.is_throttled = true;
	verdict.retry_after_ms = 60000;
	open_with(&rig, NULL, false);
	paces_learn(rig.route->paces, &paced, &verdict, 429, rig.channels->mono_us());
	refused_for(&rig, 60, 60);
	cr_expect_eq(receiver_count(rig.receiver), 0);
	rig_close(&rig);
}

Test(test_send, lets_deliveries_wait_for_what_it_was_told)
{
	struct script script = { REPLIES(
		{ .status = 429, .body = "", .headers = "Retry-After: 90\r\n" }) };
	const struct paced paced = slack_paced();
	struct rig rig;

	open_with(&rig, &script, false);
	cr_expect_eq(call(&rig, "POST", TEST, SLACK), 502, "%s", call_answer);
	cr_expect_eq(paces_take(rig.route->paces, &paced, rig.channels->mono_us()),
		     rig.channels->mono_us() + 90 * SECOND_US);
	refused_for(&rig, 90, 90);
	cr_expect_eq(receiver_count(rig.receiver), 1);
	rig_close(&rig);
}

Test(test_send, waits_for_its_turn_when_that_comes_soon)
{
	struct script script = { REPLIES({ .status = 200, .body = "ok" }) };
	struct rig rig;

	open_with(&rig, &script, false);
	start_clock(&rig);
	for (int i = 0; i < 2; i++)
		cr_expect_eq(call(&rig, "POST", TEST, SLACK), 200, "%s", call_answer);
	cr_expect_geq(last_us - clock_from_us, SECOND_US);
	stop_clock();
	rig_close(&rig);
}

/* ---- what is refused --------------------------------------------------------------------- */

Test(test_send, lets_a_team_try_ten_times_a_minute)
{
	unsigned long long seconds;
	struct str wait;
	struct rig rig;
	char body[128];

	open_with(&rig, NULL, false);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(try_webhook(&rig, ""), 200, "%s", call_answer);
	cr_expect_eq(try_webhook(&rig, ""), 429, "%s", call_answer);
	cr_expect(strstr(call_answer, "\"rate_limited\"") &&
			  strstr(call_answer, "\"retryable\":true"),
		  "%s", call_answer);
	wait = answer_header(&(struct answer){ .headers = str_of(rig_headers) }, "Retry-After");
	cr_expect(str_to_u64(wait, &seconds) && seconds >= 1 && seconds <= 60, "%s", rig_headers);
	cr_expect_eq(receiver_count(rig.receiver), 10);
	snprintf(body, sizeof(body),
		 "{\"provider\":\"webhook\",\"config\":{\"url\":\"http://127.0.0.1:%d/\"}}",
		 receiver_port(rig.receiver));
	cr_expect_eq(call_as(&rig, TEAM_B, "POST", TEST, body), 200, "%s", call_answer);
	rig_close(&rig);
}

static void refuse_bad_tests(struct rig *rig)
{
	static const struct bad_body cases[] = {
		{ "", NULL },
		{ "[]", NULL },
		{ "{\"config\":{}}", NULL },
		{ "{\"provider\":\"webhook\"}", NULL },
		{ "{\"provider\":1,\"config\":{}}", NULL },
		{ "{\"provider\":\"webhook\",\"config\":{\"url\":5}}", NULL },
		{ "{\"provider\":\"webhook\",\"provider\":\"slack\",\"config\":{}}", "provider" },
		{ "{\"provider\":\"pager\",\"config\":{}}", "provider" },
		{ "{\"provider\":\"webhook\",\"config\":{}}", "url" },
		{ "{\"provider\":\"webhook\",\"config\":{\"url\":\"http://127.0.0.1/s3cret\"}}",
		  "url" },
		{ "{\"provider\":\"webhook\",\"config\":{\"url\":\"http://x.invalid/s3cret\"}}",
		  "url" },
		{ "{\"provider\":\"slack\",\"config\":{\"webhook_url\":"
		  "\"https://example.com/s3cret\"}}",
		  "webhook_url" },
		{ "{\"provider\":\"telegram\",\"config\":{\"bot_token\":\"s3cret\","
		  "\"chat_id\":\"1\"}}",
		  "bot_token" },
		{ "{\"provider\":\"matrix\",\"config\":{\"homeserver_url\":"
		  "\"http://127.0.0.1/s3cret\",\"access_token\":\"s3cret\"}}",
		  "room_id" },
	};

	call_refused(rig, "POST", TEST, cases, ARRAY_LEN(cases));
	call_refused_as_too_large(rig, "POST", TEST);
	cr_expect_eq(receiver_count(rig->receiver), 0);
}

Test(test_send, refuses_what_is_wrong_and_sends_nothing)
{
	const struct rig_options strict = { .strict = true };

	ON_BOTH_STORES(&strict, refuse_bad_tests);
}

/* ---- closing ----------------------------------------------------------------------------- */

static int begin(struct rig *rig, const char *body)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	char request[512];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_port = htons(http_server_port(rig->server));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	snprintf(request, sizeof(request),
		 "POST " TEST " HTTP/1.1\r\nHost: a\r\nX-Team: " TEAM_A
		 "\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	return fd;
}

Test(test_send, ends_when_the_service_does)
{
	struct destination stuck = { .is_held = true };
	const struct rig_options options = { .answer = destination_answer, .arg = &stuck };
	char body[128];
	struct rig rig;
	int fd;

	rig_open(&rig, DATABASE_SQLITE, &options);
	snprintf(body, sizeof(body),
		 "{\"provider\":\"webhook\",\"config\":{\"url\":\"http://127.0.0.1:%d/\"}}",
		 receiver_port(rig.receiver));
	fd = begin(&rig, body);
	rig_wait_received(&rig, 1);
	rig_close(&rig); /* fails the test if a handle is still open */
	close(fd);
}

static bool is_pausing(struct rig *rig, void *arg)
{
	(void)arg;
	return !list_is_empty(&rig->channels->pauses.waiting);
}

Test(test_send, ends_with_the_service_while_it_waits_for_its_turn)
{
	struct script script = { REPLIES({ .status = 200, .body = "ok" }) };
	struct rig rig;
	int fd;

	open_with(&rig, &script, false);
	cr_assert_eq(call(&rig, "POST", TEST, SLACK), 200, "%s", call_answer);
	fd = begin(&rig, SLACK);
	rig_turn_until(&rig, is_pausing, NULL);
	rig_close(&rig);
	close(fd);
}
