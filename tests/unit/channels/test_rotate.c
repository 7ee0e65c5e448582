/* SPDX-License-Identifier: Apache-2.0 */

/* PUT /v1/channels/{id}/config over HTTP, on both stores. */
#include <stdio.h>

#include "targets/targets.h"
#include "tests/support/calls.h"

#define BODY                                                                      \
	"{\"name\":\"hook\",\"provider\":\"webhook\",\"events\":[\"host.down\"]," \
	"\"config\":{\"url\":\"https://8.8.8.8/s3cret-path\",\"secret\":\"s3cret-one-and-more\"}}"

#define PATH_SIZE (CALL_PATH_SIZE + 16)

static const struct rig_options quiet = { .strict = true, .no_delivery = true };

static void create(struct rig *rig, char path[PATH_SIZE])
{
	char of_channel[CALL_PATH_SIZE];

	call_create(rig, BODY, of_channel);
	snprintf(path, PATH_SIZE, "%s/config", of_channel);
}

/* The stored settings, decrypted. */
static void expect_stored(struct rig *rig, const char *url, const char *secret)
{
	struct opened_config opened;
	char text[4096];

	rig_ask_text(rig, text, sizeof(text), "SELECT CAST(config AS text) FROM channels");
	cr_assert_eq(config_open(&opened, provider_find(STR("webhook")), str_of(text), rig->key),
		     0);
	cr_expect(str_is(config_value(&opened.config, "url"), url), "%.*s",
		  STR_ARGS(config_value(&opened.config, "url")));
	cr_expect(str_is(config_value(&opened.config, "secret"), secret), "%.*s",
		  STR_ARGS(config_value(&opened.config, "secret")));
	opened_config_done(&opened);
}

/* The kept secrets, newest first, and their ends; the list ends with NULL. */
struct kept {
	const char *secret;
	int64_t until_us;
};

static void expect_old_secrets(struct rig *rig, const struct kept *expected)
{
	struct old_secrets old;
	char text[8192], until[64];

	rig_ask_text(rig, text, sizeof(text),
		     "SELECT COALESCE(max(old_secret), '') FROM channel_state");
	cr_expect_null(strstr(text, "s3cret"), "it is stored in plaintext");
	rig_ask_text(rig, until, sizeof(until),
		     "SELECT COALESCE(CAST(max(old_secret_until) AS text), '') FROM channel_state");
	cr_expect_eq(*until == '\0', *text == '\0', "%s", until);

	const struct stored_secrets stored = { .text = str_of(text) };

	old_secrets_open(&old, &stored, rig_now_us, rig->key);
	for (size_t i = 0; i < old.count; i++) {
		cr_assert_not_null(expected[i].secret, "%.*s", STR_ARGS(old.values[i]));
		cr_expect(str_is(old.values[i], expected[i].secret), "%.*s",
			  STR_ARGS(old.values[i]));
		cr_expect_eq(old.until_us[i], expected[i].until_us, "%s: %lld", expected[i].secret,
			     (long long)old.until_us[i]);
	}
	cr_expect_null(expected[old.count].secret, "%s is missing", expected[old.count].secret);
	old_secrets_done(&old);
}

static void expect_old_secret(struct rig *rig, const char *secret, int64_t until_us)
{
	const struct kept kept[] = { { secret, until_us }, { NULL, 0 } };

	expect_old_secrets(rig, kept);
}

static void replace_both(struct rig *rig)
{
	char path[PATH_SIZE];
	cJSON *tree;

	create(rig, path);
	rig_ask(rig, "INSERT INTO channel_state (channel_id, updated_at, failures, disabling, "
		     "breaker_opened, breaker_until, failing_since, disabled_at, disabled_reason, "
		     "plain_only) SELECT id, updated_at, 9, 1, 3, updated_at, updated_at, "
		     "updated_at, 'gone', 1 FROM channels");
	rig_now_us += SECOND_US;
	cr_assert_eq(
		call(rig, "PUT", path,
		     "{\"config\":{\"url\":\"https://9.9.9.9/\",\"secret\":\"s3cret-two-and-more\","
		     "\"more\":\"x\"}}"),
		200, "%s", call_answer);
	rig_now_us -= SECOND_US;
	tree = call_tree();
	cr_expect_str_eq(json_get_string(tree, "updated_at"), "2027-01-15T08:00:01Z");
	cr_expect(cJSON_IsTrue(json_get(tree, "disabled")), "other settings have enabled it");
	cr_expect_null(strstr(call_answer, "s3cret"));
	cr_expect_null(json_get(tree, "config"));
	cJSON_Delete(tree);
	expect_stored(rig, "https://9.9.9.9/", "s3cret-two-and-more");
	expect_old_secret(rig, "s3cret-one-and-more", START_US + SECOND_US + 24 * HOUR_US);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channel_state WHERE failures = 0 AND "
				  "disabling = 0 AND breaker_opened = 0 AND breaker_until IS NULL "
				  "AND failing_since IS NULL AND plain_only = 0 "
				  "AND disabled_at IS NOT NULL"),
		     1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'rotate_config' "
				  "AND status = 'info' AND CAST(metadata AS text) = '{}'"),
		     1);
}

Test(rotate, replaces_the_settings_and_keeps_the_old_secret_for_a_day)
{
	ON_BOTH_STORES(&quiet, replace_both);
}

static void keep_what_is_absent(struct rig *rig)
{
	char path[PATH_SIZE];

	create(rig, path);
	cr_assert_eq(call(rig, "PUT", path, "{\"config\":{\"secret\":\"s3cret-two-and-more\"}}"),
		     200, "%s", call_answer);
	expect_stored(rig, "https://8.8.8.8/s3cret-path", "s3cret-two-and-more");
	expect_old_secret(rig, "s3cret-one-and-more", START_US + 24 * HOUR_US);
	cr_assert_eq(call(rig, "PUT", path,
			  "{\"config\":{\"url\":\"https://9.9.9.9/\",\"secret\":\"\"}}"),
		     200, "%s", call_answer);
	expect_stored(rig, "https://9.9.9.9/", "s3cret-two-and-more");
	expect_old_secret(rig, "s3cret-one-and-more", START_US + 24 * HOUR_US);
	cr_assert_eq(call(rig, "PUT", path, "{\"config\":{}}"), 200, "%s", call_answer);
	expect_stored(rig, "https://9.9.9.9/", "s3cret-two-and-more");
	expect_old_secret(rig, "s3cret-one-and-more", START_US + 24 * HOUR_US);
}

Test(rotate, keeps_url_and_secret_of_a_webhook_when_they_are_absent)
{
	ON_BOTH_STORES(&quiet, keep_what_is_absent);
}

static void choose_overlap(struct rig *rig)
{
	char path[PATH_SIZE];

	create(rig, path);
	cr_assert_eq(call(rig, "PUT", path,
			  "{\"config\":{\"secret\":\"s3cret-two-and-more\"},\"overlap_s\":604800}"),
		     200, "%s", call_answer);
	expect_old_secret(rig, "s3cret-one-and-more", START_US + 7 * 24 * HOUR_US);
	cr_assert_eq(call(rig, "PUT", path,
			  "{\"config\":{\"secret\":\"s3cret-three-and-more\"},\"overlap_s\":0}"),
		     200, "%s", call_answer);
	expect_old_secret(rig, NULL, 0);
}

Test(rotate, lets_the_client_choose_the_overlap)
{
	ON_BOTH_STORES(&quiet, choose_overlap);
}

/* Each secret has its own end. One that is used again is not an old one. */
static void rotate_twice(struct rig *rig)
{
	const struct kept both[] = {
		{ "s3cret-two-and-more", START_US + 13 * HOUR_US },
		{ "s3cret-one-and-more", START_US + 24 * HOUR_US },
		{ NULL, 0 },
	};
	const struct kept back[] = {
		{ "s3cret-three-and-more", START_US + 26 * HOUR_US },
		{ "s3cret-two-and-more", START_US + 13 * HOUR_US },
		{ NULL, 0 },
	};
	const struct kept later[] = { { "s3cret-three-and-more", START_US + 26 * HOUR_US },
				      { NULL, 0 } };
	char path[PATH_SIZE];

	rig_now_us = START_US;
	create(rig, path);
	cr_assert_eq(call(rig, "PUT", path, "{\"config\":{\"secret\":\"s3cret-two-and-more\"}}"),
		     200, "%s", call_answer);
	rig_now_us += HOUR_US;
	cr_assert_eq(call(rig, "PUT", path,
			  "{\"config\":{\"secret\":\"s3cret-three-and-more\"},"
			  "\"overlap_s\":43200}"),
		     200, "%s", call_answer);
	expect_old_secrets(rig, both);
	rig_now_us += HOUR_US;
	cr_assert_eq(call(rig, "PUT", path, "{\"config\":{\"secret\":\"s3cret-one-and-more\"}}"),
		     200, "%s", call_answer);
	expect_old_secrets(rig, back);
	rig_now_us += 12 * HOUR_US;
	expect_old_secrets(rig, later);
	rig_now_us = START_US;
}

Test(rotate, keeps_every_old_secret_for_its_own_time)
{
	ON_BOTH_STORES(&quiet, rotate_twice);
}

static void refuse_bad_configs(struct rig *rig)
{
	static const struct bad_body cases[] = {
		{ "", NULL },
		{ "{}", NULL },
		{ "[]", NULL },
		{ "{\"config\":[]}", NULL },
		{ "{\"config\":null}", NULL },
		{ "{\"config\":{\"url\":5}}", NULL },
		{ "{\"config\":{\"url\":\"https://9.9.9.9/s3cret\",\"more\":{}}}", NULL },
		{ "{\"config\":{},\"config\":{}}", "config" },
		{ "{\"config\":{\"url\":\"https://9.9.9.9/\",\"url\":\"https://9.9.9.9/\"}}",
		  "url" },
		{ "{\"config\":{\"url\":\"ftp://9.9.9.9/s3cret\"}}", "url" },
		{ "{\"config\":{\"url\":\"http://127.0.0.1/s3cret\"}}", "url" },
		{ "{\"config\":{\"url\":\"http://nowhere.invalid/s3cret\"}}", "url" },
		{ "{\"config\":{},\"overlap_s\":-1}", "overlap_s" },
		{ "{\"config\":{},\"overlap_s\":604801}", "overlap_s" },
		{ "{\"config\":{},\"overlap_s\":1.5}", "overlap_s" },
		{ "{\"config\":{},\"overlap_s\":\"60\"}", "overlap_s" },
		{ "{\"config\":{},\"overlap_s\":true}", "overlap_s" },
		{ "{\"config\":{},\"overlap_s\":1e300}", "overlap_s" },
	};
	static char body[8192];
	char path[PATH_SIZE];

	create(rig, path);
	call_refused(rig, "PUT", path, cases, ARRAY_LEN(cases));
	call_refused_as_too_large(rig, "PUT", path);
	snprintf(body, sizeof(body), "{\"config\":{\"secret\":\"%05000d\"}}", 0);
	cr_expect_eq(call(rig, "PUT", path, body), 400, "%s", call_answer);
	cr_expect(strstr(call_answer, "\"secret\""), "%s", call_answer);
	cr_expect_eq(call(rig, "PUT", "/v1/channels/ch-x/config", "{\"config\":{}}"), 400);
	expect_stored(rig, "https://8.8.8.8/s3cret-path", "s3cret-one-and-more");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs"), 1);
}

Test(rotate, refuses_what_is_wrong_and_writes_nothing)
{
	ON_BOTH_STORES(&quiet, refuse_bad_configs);
}

static void keep_others_out(struct rig *rig)
{
	char path[PATH_SIZE];

	create(rig, path);
	cr_expect_eq(call_as(rig, TEAM_B, "PUT", path,
			     "{\"config\":{\"secret\":\"s3cret-of-another-team\"}}"),
		     404, "%s", call_answer);
	cr_expect_eq(call(rig, "PUT", "/v1/channels/ch-0000000000000000000000001/config",
			  "{\"config\":{}}"),
		     404);
	expect_stored(rig, "https://8.8.8.8/s3cret-path", "s3cret-one-and-more");
	rig_ask(rig, "UPDATE teams SET deleted_at = created_at WHERE id = '" TEAM_A "'");
	cr_expect_eq(call(rig, "PUT", path, "{\"config\":{\"secret\":\"s3cret-of-another-team\"}}"),
		     403, "%s", call_answer);
	expect_stored(rig, "https://8.8.8.8/s3cret-path", "s3cret-one-and-more");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs"), 1);
}

/* A receiver that checks webhook-signature would find none. */
static void refuse_lost_signature(struct rig *rig)
{
	char path[PATH_SIZE];

	create(rig, path);
	cr_assert_eq(
		call(rig, "PUT", path,
		     "{\"config\":{\"secret\":\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\\n\"}}"),
		200, "%s", call_answer);
	expect_stored(rig, "https://8.8.8.8/s3cret-path", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
	cr_expect_eq(
		call(rig, "PUT", path, "{\"config\":{\"secret\":\"long, but not base64 at all\"}}"),
		400);
	cr_expect(strstr(call_answer, "no webhook-signature"), "%s", call_answer);
	expect_stored(rig, "https://8.8.8.8/s3cret-path", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
}

Test(rotate, refuses_a_secret_that_would_drop_a_header)
{
	ON_BOTH_STORES(&quiet, refuse_lost_signature);
}

/* The control plane takes secrets of any length. A stored one stays until it is replaced. */
static void keep_short_secret(struct rig *rig)
{
	const struct str values[] = { STR("https://8.8.8.8/"), STR("short") };
	struct provider_config config = {
		.count = 2, .fields = { { "url", values[0] }, { "secret", values[1] } }
	};
	struct buf sealed;
	char path[PATH_SIZE];

	create(rig, path);
	buf_init(&sealed, SEALED_CONFIG_MAX);
	config_seal(&sealed, &config, rig->key);
	rig_ask(rig, "UPDATE channels SET config = '%s'", buf_text(&sealed));
	buf_done(&sealed);
	cr_expect_eq(call(rig, "PUT", path, "{\"config\":{\"url\":\"https://9.9.9.9/\"}}"), 200,
		     "%s", call_answer);
	expect_stored(rig, "https://9.9.9.9/", "short");
	cr_expect_eq(call(rig, "PUT", path, "{\"config\":{\"secret\":\"as short\"}}"), 400, "%s",
		     call_answer);
}

Test(rotate, keeps_a_short_secret_of_before_and_takes_no_new_one)
{
	ON_BOTH_STORES(&quiet, keep_short_secret);
}

Test(rotate, keeps_other_teams_and_dead_ones_out)
{
	ON_BOTH_STORES(&quiet, keep_others_out);
}

static void replace_unreadable(struct rig *rig)
{
	char path[PATH_SIZE];

	create(rig, path);
	rig_ask(rig, "UPDATE channels SET config = '{\"url\":\"AAAA\",\"secret\":\"AAAA\"}'");
	cr_expect_eq(call(rig, "PUT", path, "{\"config\":{\"url\":\"https://9.9.9.9/\"}}"), 400);
	cr_expect(strstr(call_answer, "\"field\":\"secret\""), "%s", call_answer);
	cr_expect_eq(call(rig, "PUT", path, "{\"config\":{\"secret\":\"x\"}}"), 400);
	cr_expect(strstr(call_answer, "\"field\":\"url\""), "%s", call_answer);
	cr_assert_eq(call(rig, "PUT", path,
			  "{\"config\":{\"url\":\"https://9.9.9.9/"
			  "\",\"secret\":\"s3cret-that-is-new\"}}"),
		     200, "%s", call_answer);
	expect_stored(rig, "https://9.9.9.9/", "s3cret-that-is-new");
	expect_old_secret(rig, NULL, 0);
}

Test(rotate, needs_every_field_when_the_stored_ones_cannot_be_read)
{
	ON_BOTH_STORES(&quiet, replace_unreadable);
}

static void replace_chat(struct rig *rig)
{
	char channel[CALL_PATH_SIZE];
	char path[PATH_SIZE];

	call_create(rig,
		    "{\"name\":\"tg\",\"provider\":\"telegram\",\"events\":[\"host.up\"],"
		    "\"config\":{\"bot_token\":\"12345678:s3cret-s3cret-s3cret-s3cret-s3cret\","
		    "\"chat_id\":\"-1001\"}}",
		    channel);
	snprintf(path, sizeof(path), "%s/config", channel);
	cr_expect_eq(call(rig, "PUT", path, "{\"config\":{\"chat_id\":\"-1002\"}}"), 400);
	cr_expect(strstr(call_answer, "\"field\":\"bot_token\""), "%s", call_answer);
	cr_expect_eq(call(rig, "PUT", path,
			  "{\"config\":{\"bot_token\":"
			  "\"12345678:s3cret-s3cret-s3cret-s3cret-s3cret\","
			  "\"chat_id\":\"-1002\"}}"),
		     200, "%s", call_answer);
	expect_old_secret(rig, NULL, 0);
}

Test(rotate, keeps_nothing_of_a_chat_channel)
{
	ON_BOTH_STORES(&quiet, replace_chat);
}

Test(rotate, starts_over_when_somebody_else_was_faster)
{
	/* Two requests at once read the same settings. The second to write has to read again. */
	struct rig rig;
	char path[PATH_SIZE];

	rig_open(&rig, DATABASE_SQLITE, &quiet);
	create(&rig, path);
	for (int i = 0; i < 10; i++) {
		static const char *const back =
			"{\"config\":{\"url\":\"https://8.8.8.8/s3cret-path\","
			"\"secret\":\"s3cret-one-and-more\"}}";
		static const char *const bodies[2] = {
			"{\"config\":{\"secret\":\"s3cret-two-and-more\"}}",
			"{\"config\":{\"url\":\"https://9.9.9.9/\"}}",
		};
		int statuses[2];

		cr_assert_eq(call(&rig, "PUT", path, back), 200, "%s", call_answer);
		rig_request_both(&rig, "PUT", path, bodies, statuses);
		cr_expect(statuses[0] == 200 && statuses[1] == 200, "%d %d", statuses[0],
			  statuses[1]);
		expect_stored(&rig, "https://9.9.9.9/", "s3cret-two-and-more");
	}
	rig_close(&rig);
}
