/* SPDX-License-Identifier: Apache-2.0 */

/* A channel's filter over HTTP, on both stores: set, kept, replaced, removed, refused, shown. */
#include <stdio.h>

#include "tests/support/calls.h"

#define BODY(more)                                       \
	"{\"name\":\"hook\",\"provider\":\"webhook\","   \
	"\"config\":{\"url\":\"https://8.8.8.8/hook\"}," \
	"\"events\":[\"host.down\",\"capsule.create\"]" more "}"
#define CHANGE(more)   "{\"name\":\"hook\",\"events\":[\"host.down\"]" more "}"
#define SETTINGS(more) "{\"config\":{\"url\":\"https://8.8.8.8/b\"}" more "}"
#define FAILURES       "\"filter\":{\"outcome\":[\"error\"]}"
#define ON_WEB         "\"filter\":{\"resource\":[\"web-*\"]}"
#define STORED         "SELECT count(*) FROM channel_options"
#define PREVIEW(more)  "{\"provider\":\"slack\",\"event\":\"capsule.create\"" more "}"

static const struct rig_options quiet = { .strict = true, .no_delivery = true };

static void expect(struct rig *rig, const char *method, const char *path, const char *body,
		   const char *says)
{
	cr_assert_lt(call(rig, method, path, body), 300, "%s", call_answer);
	cr_expect(strstr(call_answer, says), "%s in %s", says, call_answer);
}

static void expect_none(struct rig *rig, const char *method, const char *path, const char *body)
{
	cr_assert_lt(call(rig, method, path, body), 300, "%s", call_answer);
	cr_expect_null(strstr(call_answer, "filter"), "%s", call_answer);
}

static void set_and_keep(struct rig *rig)
{
	char path[CALL_PATH_SIZE];
	char config[CALL_PATH_SIZE + 8];

	call_create(rig, BODY("," FAILURES), path);
	cr_expect(strstr(call_answer, FAILURES), "%s", call_answer);
	snprintf(config, sizeof(config), "%s/config", path);
	expect(rig, "GET", path, "", FAILURES);
	expect(rig, "GET", "/v1/channels", "", FAILURES);
	expect(rig, "PATCH", path, CHANGE(""), FAILURES);
	expect(rig, "PUT", config, SETTINGS(""), FAILURES);
	expect(rig, "PUT", config, SETTINGS("," ON_WEB), ON_WEB);
	expect_none(rig, "PUT", config, SETTINGS(",\"filter\":null"));
	expect(rig, "PUT", config, SETTINGS("," FAILURES), FAILURES);
	expect(rig, "PATCH", path, CHANGE("," ON_WEB), ON_WEB);
	cr_expect_null(strstr(call_answer, "outcome"), "a filter is replaced as a whole");
	expect_none(rig, "PATCH", path, CHANGE(",\"filter\":null"));
	expect_none(rig, "GET", path, "");
	cr_expect_eq(rig_ask(rig, STORED), 0);
	expect(rig, "PATCH", path, CHANGE("," ON_WEB), ON_WEB);
	expect_none(rig, "PATCH", path, CHANGE(",\"filter\":{}"));
	expect(rig, "PATCH", path, CHANGE("," ON_WEB), ON_WEB);
	cr_expect_eq(call(rig, "DELETE", path, ""), 204);
	cr_expect_eq(rig_ask(rig, STORED), 0, "it goes with the channel");
}

Test(filter, is_kept_until_it_is_replaced_or_removed)
{
	ON_BOTH_STORES(&quiet, set_and_keep);
}

static void never_set(struct rig *rig)
{
	char path[CALL_PATH_SIZE];

	call_create(rig, BODY(""), path);
	cr_expect_null(strstr(call_answer, "filter"), "%s", call_answer);
	expect_none(rig, "GET", path, "");
	expect_none(rig, "GET", "/v1/channels", "");
	expect_none(rig, "PATCH", path, CHANGE(""));
}

Test(filter, is_absent_from_answers_when_nobody_set_it)
{
	ON_BOTH_STORES(&quiet, never_set);
}

static void refuse_nonsense(struct rig *rig)
{
	char path[CALL_PATH_SIZE];
	char config[CALL_PATH_SIZE + 8];

	call_create(rig, BODY("," FAILURES), path);
	cr_expect_eq(call(rig, "POST", "/v1/channels", BODY(",\"filter\":{\"outcome\":[\"bad\"]}")),
		     400);
	cr_expect(strstr(call_answer, "\"filter.outcome\""), "%s", call_answer);
	cr_expect_eq(call(rig, "PATCH", path, CHANGE(",\"filter\":[]")), 400);
	cr_expect(strstr(call_answer, "\"filter\""), "%s", call_answer);
	snprintf(config, sizeof(config), "%s/config", path);
	cr_expect_eq(call(rig, "PUT", config, SETTINGS(",\"filter\":{\"colour\":[\"red\"]}")), 400);
	cr_expect(strstr(call_answer, "only outcome"), "%s", call_answer);
	cr_expect_eq(call(rig, "POST", "/v1/channels/preview", PREVIEW(",\"filter\":7")), 400);
	cr_expect_eq(call(rig, "PATCH", path, CHANGE(",\"fitler\":{\"outcome\":[\"success\"]}")),
		     400);
	cr_expect(strstr(call_answer, "did you mean filter?"), "%s", call_answer);
	expect(rig, "GET", path, "", FAILURES);
}

Test(filter, is_refused_when_it_is_none_and_nothing_changes)
{
	ON_BOTH_STORES(&quiet, refuse_nonsense);
}

static void change_beside_others(struct rig *rig)
{
	char path[CALL_PATH_SIZE];

	call_create(rig, BODY(""), path);
	rig_ask(rig, "INSERT INTO channel_options (channel_id, options, updated_at) SELECT id, "
		     "'{\"newer\":{\"a\":1}}', created_at FROM channels");
	expect_none(rig, "GET", path, "");
	expect(rig, "PATCH", path, CHANGE("," ON_WEB), ON_WEB);
	cr_expect_null(strstr(call_answer, "newer"), "%s", call_answer);
	expect_none(rig, "PATCH", path, CHANGE(",\"filter\":null,\"newer\":null"));
	cr_expect_eq(rig_ask(rig, STORED " WHERE options = '{\"newer\":{\"a\":1}}'"), 1);
}

Test(filter, leaves_what_a_newer_version_stored_as_it_is)
{
	ON_BOTH_STORES(&quiet, change_beside_others);
}

static void preview_it(struct rig *rig)
{
	expect(rig, "POST", "/v1/channels/preview", PREVIEW("," FAILURES),
	       "\"filtered\":\"outcome\"");
	cr_expect(strstr(call_answer, "start requested"), "the message is shown all the same");
	cr_expect_eq(call(rig, "POST", "/v1/channels/preview",
			  PREVIEW(",\"filter\":{\"outcome\":[\"success\"]}")),
		     200);
	cr_expect_null(strstr(call_answer, "filtered"), "%s", call_answer);
	expect(rig, "POST", "/v1/channels/preview",
	       PREVIEW("," ON_WEB ",\"config\":{\"webhook_url\":"
		       "\"https://hooks.slack.com/services/T0EXAMPLE/B0EXAMPLE/x\"}"),
	       "\"filtered\":\"resource\"");
}

Test(filter, of_a_preview_says_which_rule_keeps_the_event_out)
{
	ON_BOTH_STORES(&quiet, preview_it);
}
