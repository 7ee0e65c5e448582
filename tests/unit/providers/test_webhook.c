/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The webhook's request byte for byte: the vector of the contract (section m) for our own
 * signature, vectors A and B of the provider notes for Standard Webhooks; and what check refuses.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "core/crypto.h"
#include "providers/provider.h"

#define HEX16  "0123456789abcdef"
#define SECRET HEX16 HEX16 HEX16 HEX16
#define BODY                                                                                    \
	"{\"event\":\"capsule.pause\",\"outcome\":\"success\",\"timestamp\":"                   \
	"\"2026-05-24T05:02:08Z\",\"team_id\":\"team-0x5yg3bfyrehlas5fmd3rslxq\",\"actor\":"    \
	"{\"type\":\"system\"},\"resource\":{\"id\":\"cl-6dfzh5ik5uxynzmlf5cshamdk\",\"type\":" \
	"\"sandbox\"},\"metadata\":{\"reason\":\"ttl_expired\"}}"

#define NEW_KEY          "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NEW_KEY_UNPADDED "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define OLD_KEY          "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
#define NEW_SIGNATURE    "v1,jjpbUZiZHuk1bMaPZUIczaRMZN3LcZUwny/Wq78c9Sw="
#define OLD_SIGNATURE    "v1,wa1yGQjcVi0QUdOX+dETcYzf54ZUs8nsNcEt8xS/WTc="
#define BODY_B                                                                                   \
	"{\"type\":\"instance.lifecycle.test\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"data\":" \
	"{\"name\":\"caf\xc3\xa9\"}}"

struct input {
	const char *url;
	const char *secret;
	const char *old_secret;
	const char *body;
	const char *id;
	unsigned number; /* 0: the third */
	const char *instead_of;
	int64_t now_us;
};

static int build(const struct input *input, struct outgoing *out)
{
	const struct provider_config config = {
		.count = 2,
		.fields = { { "url", str_of(input->url) }, { "secret", str_of(input->secret) } },
	};
	const struct message message = {
		.body = str_of(input->body),
		.instead_of = input->instead_of ? str_of(input->instead_of) : STR(""),
	};
	const struct attempt attempt = {
		.delivery_id = str_of(input->id),
		.now_us = input->now_us,
		.old_secret_count = input->old_secret && *input->old_secret,
		.old_secrets = { str_of(input->old_secret) },
		.number = input->number ? input->number : 3,
		.user_agent = "wrenn-events/0.1.0",
	};

	outgoing_init(out);
	return provider_find(STR("webhook"))->build(&message, &config, &attempt, out);
}

/* The value of a header of the request, or NULL. */
static const char *header(struct outgoing *out, const char *name)
{
	for (size_t i = 0; i < out->header_count; i++) {
		const char *text = buf_text(&out->headers[i]);
		size_t len = strlen(name);

		if (strncmp(text, name, len) == 0 && strncmp(text + len, ": ", 2) == 0)
			return text + len + 2;
	}
	return NULL;
}

Test(webhook_build, writes_the_request_of_the_contract)
{
	static const char *const headers[] = {
		"Content-Type: application/json",
		"User-Agent: wrenn-events/0.1.0",
		("X-Wrenn-Signature: "
		 "sha256=56c9aadb11b50684b86405a2eaa992a879be7907f42ff6303f3e091a6997d349"),
		("X-Wrenn-Signatures: "
		 "sha256=56c9aadb11b50684b86405a2eaa992a879be7907f42ff6303f3e091a6997d349"),
		"X-Wrenn-Delivery: 4f0c5a4e-8f5e-5b7e-9c39-6a1f5f0d2b11",
		"X-Wrenn-Timestamp: 2026-05-24T05:02:09Z",
		"X-Wrenn-Attempt: 3",
		"webhook-id: 4f0c5a4e-8f5e-5b7e-9c39-6a1f5f0d2b11",
		"webhook-timestamp: 1779598929",
		/* Computed with another HMAC implementation from the same inputs. */
		"webhook-signature: v1,O/yapMZJCcmvDf+7RJNh2bkwQrJTBfBf6L1F/YjXt+Y=",
	};
	const struct input input = { .url = "https://hooks.example.com/wrenn?a=%20b",
				     .secret = SECRET,
				     .body = BODY,
				     .id = "4f0c5a4e-8f5e-5b7e-9c39-6a1f5f0d2b11",
				     .now_us = 1779598929999999 };
	struct outgoing out;

	cr_assert_eq(build(&input, &out), 0);
	cr_expect_str_eq(out.method, "POST");
	cr_expect_str_eq(buf_text(&out.url), "https://hooks.example.com/wrenn?a=%20b");
	cr_expect_str_eq(buf_text(&out.body), BODY);
	cr_assert_eq(out.header_count, ARRAY_LEN(headers));
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		cr_expect_str_eq(buf_text(&out.headers[i]), headers[i]);
	outgoing_done(&out);
}

Test(webhook_build, names_the_failing_channel_that_it_stands_in_for)
{
	const struct input input = { .url = "https://h",
				     .secret = SECRET,
				     .body = BODY,
				     .id = "x",
				     .instead_of = "ch-10dgnsxljlxoxc3rmyv4e8snl" };
	struct outgoing out;

	cr_assert_eq(build(&input, &out), 0);
	cr_expect_str_eq(header(&out, "X-Wrenn-Instead-Of"), input.instead_of);
	outgoing_done(&out);
}

Test(webhook_build, signs_as_standard_webhooks_publishes_it)
{
	const struct input input = { .url = "https://h",
				     .secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
				     .body = "{\"test\": 2432232314}",
				     .id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
				     .now_us = INT64_C(1614265330) * 1000000 };
	struct outgoing out;

	cr_assert_eq(build(&input, &out), 0);
	cr_expect_str_eq(header(&out, "webhook-id"), input.id);
	cr_expect_str_eq(header(&out, "webhook-timestamp"), "1614265330");
	cr_expect_str_eq(header(&out, "webhook-signature"),
			 "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	outgoing_done(&out);
}

Test(webhook_build, signs_with_every_usable_secret_new_first)
{
	static const struct {
		const char *secret, *old_secret, *signature;
	} cases[] = {
		{ NEW_KEY, OLD_KEY, NEW_SIGNATURE " " OLD_SIGNATURE },
		{ NEW_KEY, "", NEW_SIGNATURE },
		{ &NEW_KEY[6], &OLD_KEY[6], NEW_SIGNATURE " " OLD_SIGNATURE },
		{ NEW_KEY, "not base64!", NEW_SIGNATURE },
		{ "not base64!", OLD_KEY, OLD_SIGNATURE },
		{ "not base64!", "", NULL },
		{ "not base64!", "neither", NULL },
		{ "whsec_", "", NULL },
		{ "whsec_A", "", NULL },
		/* Without its padding it is still the same key. */
		{ NEW_KEY_UNPADDED, "", NEW_SIGNATURE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct input input = { .url = "https://h",
					     .secret = cases[i].secret,
					     .old_secret = cases[i].old_secret,
					     .body = BODY_B,
					     .id = "msg_01HZY3V9Q2K7R8T4W6X5N0M1PA",
					     .now_us = INT64_C(1767323045) * 1000000 };
		struct outgoing out;

		cr_assert_eq(build(&input, &out), 0, "case %zu", i);
		const char *got = header(&out, "webhook-signature");
		if (cases[i].signature)
			cr_expect_str_eq(got, cases[i].signature, "case %zu: %s", i, got);
		else
			cr_expect_null(got, "case %zu", i);
		cr_expect_not_null(header(&out, "webhook-id"), "case %zu", i);
		cr_expect_not_null(header(&out, "webhook-timestamp"), "case %zu", i);
		cr_expect_not_null(header(&out, "X-Wrenn-Signature"), "case %zu", i);
		outgoing_done(&out);
	}
}

Test(webhook_build, signs_the_93_bytes_of_the_vector)
{
	char hex[SHA256_HEX_SIZE];

	crypto_sha256_hex(STR(BODY_B), hex);
	cr_expect_eq(strlen(BODY_B), 93);
	cr_expect_str_eq(hex, "95631af136582712d3f9805828a90273ddf5cee39d047992d97682d9ec2a25b6");
}

Test(webhook_build, signs_each_attempt_anew_under_the_same_id)
{
	struct input input = { .url = "https://h", .secret = NEW_KEY, .body = BODY, .id = "id" };
	struct outgoing first, second;

	input.now_us = INT64_C(1767323045) * 1000000;
	cr_assert_eq(build(&input, &first), 0);
	input.now_us += 10 * 1000000;
	cr_assert_eq(build(&input, &second), 0);
	cr_expect_str_eq(header(&first, "webhook-id"), header(&second, "webhook-id"));
	cr_expect_str_eq(header(&second, "webhook-timestamp"), "1767323055");
	cr_expect_str_neq(header(&first, "webhook-signature"),
			  header(&second, "webhook-signature"));
	cr_expect_str_neq(header(&first, "X-Wrenn-Signature"),
			  header(&second, "X-Wrenn-Signature"));
	cr_expect_str_eq(buf_text(&first.body), buf_text(&second.body));
	outgoing_done(&first);
	outgoing_done(&second);
}

#define OLDER "older-older-older"

/* Receivers compare X-Wrenn-Signature as a whole, with the one secret they have. */
Test(webhook_build, signs_our_own_header_with_one_valid_secret_after_the_other)
{
	static const char *const secrets[] = { SECRET, OLDER };
	static const struct {
		const char *old_secret;
		unsigned number, signer;
	} cases[] = { { "", 1, 0 },    { "", 2, 0 },    { OLDER, 1, 0 },
		      { OLDER, 2, 1 }, { OLDER, 3, 0 }, { OLDER, 4, 1 } };
	char wanted[2][128];

	for (size_t i = 0; i < 2; i++) {
		const struct str pieces[] = { STR("2026-05-24T05:02:09Z"), STR("."), STR(BODY) };
		uint8_t mac[SHA256_SIZE];

		crypto_hmac_sha256(str_of(secrets[i]), pieces, 3, mac);
		memcpy(wanted[i], "sha256=", strlen("sha256="));
		hex_encode(mac, sizeof(mac), wanted[i] + strlen("sha256="));
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct input input = { .url = "https://h",
				       .secret = SECRET,
				       .old_secret = cases[i].old_secret,
				       .body = BODY,
				       .id = "id",
				       .number = cases[i].number,
				       .now_us = 1779598929000000 };
		struct outgoing out;
		char all[300];

		snprintf(all, sizeof(all), "%s%s%s", wanted[0], *input.old_secret ? ", " : "",
			 *input.old_secret ? wanted[1] : "");
		cr_assert_eq(build(&input, &out), 0);
		cr_expect_str_eq(header(&out, "X-Wrenn-Signature"), wanted[cases[i].signer],
				 "case %zu", i);
		cr_expect_str_eq(header(&out, "X-Wrenn-Signatures"), all, "case %zu", i);
		outgoing_done(&out);
	}
}

Test(webhook_build, carries_any_body_unchanged)
{
	static const char bytes[] = "\xff\x00{\r\n}";
	const struct provider_config config = {
		.count = 2,
		.fields = { { "url", STR("https://h") }, { "secret", STR("s") } },
	};
	const struct message message = { .body = { .at = bytes, .len = sizeof(bytes) - 1 } };
	const struct attempt attempt = { .delivery_id = STR("id"), .user_agent = "x" };
	struct outgoing out;

	outgoing_init(&out);
	cr_assert_eq(provider_find(STR("webhook"))->build(&message, &config, &attempt, &out), 0);
	cr_expect(str_eq(buf_str(&out.body), message.body));
	outgoing_done(&out);
}

Test(webhook_build, refuses_a_damaged_config)
{
	static const struct {
		const char *url, *secret, *id;
	} cases[] = {
		{ "", "s", "id" },
		{ "https://h", "", "id" },
		{ "ftp://h", "s", "id" },
		{ "https://h\r\nX: 1", "s", "id" },
		{ "https://h", "s", "id\r\nX-Evil: 1" },
		/* What is signed begins "<id>.<seconds>.": a full stop of its own would blur it. */
		{ "https://h", "s", "i.d" },
		{ "https://h", "s", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct input input = { .url = cases[i].url,
					     .secret = cases[i].secret,
					     .body = "{}",
					     .id = cases[i].id };
		struct outgoing out;

		cr_expect_eq(build(&input, &out), -EINVAL, "case %zu", i);
		outgoing_done(&out);
	}
}

static int check(struct str url, struct str secret, struct reason *why)
{
	const struct provider_config config = {
		.count = 2,
		.fields = { { "secret", secret }, { "url", url } },
	};

	return provider_find(STR("webhook"))->check(&config, why);
}

Test(webhook_check, takes_any_http_url_and_any_secret)
{
	static const char *const urls[] = {
		"https://hooks.example.com/wrenn",
		"http://10.0.0.1:8080/x?y=z",
		"http://[::1]/",
	};
	static const char *const secrets[] = { "", "long, but not base64!", NEW_KEY,
					       NEW_KEY_UNPADDED };
	struct reason why;

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		for (size_t k = 0; k < ARRAY_LEN(secrets); k++)
			cr_expect_eq(check(str_of(urls[i]), str_of(secrets[k]), &why), 0, "%s",
				     urls[i]);
	}
}

Test(webhook_check, refuses_secrets_that_can_be_guessed_or_never_sign)
{
	static const struct {
		const char *secret, *says;
	} cases[] = {
		{ "x", "16 bytes" },
		{ "fifteen bytes!!", "16 bytes" },
		{ "whsec_not base64 at all", "base64" },
		{ "whsec_////", "16 bytes" },
		{ "whsec_AAECAwQFBgcICQ==", "16 bytes" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reason why = { .text = "" };

		cr_expect_eq(check(STR("https://h"), str_of(cases[i].secret), &why), -EINVAL, "%s",
			     cases[i].secret);
		cr_expect_str_eq(why.field, "secret");
		cr_expect(strstr(why.text, cases[i].says), "%s: %s", cases[i].secret, why.text);
		cr_expect(strstr(why.text, "a valid one: "), "%s", why.text);
	}
}

Test(webhook_check, needs_a_url_and_repeats_nothing_of_it)
{
	static const char *const urls[] = {
		"",
		"hunter2",
		"ftp://hunter2",
		"https://hunter2@h/hunter2",
		"https://h/hunter2#hunter2",
		"https://h/hunter2 hunter2",
	};

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct reason why = { .text = "" };

		cr_expect_eq(check(str_of(urls[i]), STR("hunter2"), &why), -EINVAL, "%s", urls[i]);
		cr_expect_str_eq(why.field, "url");
		cr_expect_eq(strncmp(why.text, "url ", 4), 0, "%s", why.text);
		cr_expect_null(strstr(why.text, "hunter2"), "%s", why.text);
	}
}

Test(webhook_check, needs_a_url_even_without_any_field)
{
	const struct provider_config empty = { .count = 0 };
	struct reason why;

	cr_expect_eq(provider_find(STR("webhook"))->check(&empty, &why), -EINVAL);
	cr_expect_str_eq(why.field, "url");
	cr_expect_str_eq(why.text, "url is required");
}

Test(webhook_check, limits_the_length_of_every_value)
{
	static char url[CONFIG_MAX_VALUE + 2] = "https://h/";
	static char secret[CONFIG_MAX_VALUE + 2];
	struct reason why;

	memset(url + 10, 'u', sizeof(url) - 11);
	memset(secret, 's', sizeof(secret) - 1);
	cr_expect_eq(check((struct str){ url, CONFIG_MAX_VALUE },
			   (struct str){ secret, CONFIG_MAX_VALUE }, &why),
		     0);
	cr_expect_eq(check((struct str){ url, CONFIG_MAX_VALUE + 1 }, STR(""), &why), -EINVAL);
	cr_expect_str_eq(why.field, "url");
	cr_expect_eq(check(STR("https://h"), (struct str){ secret, CONFIG_MAX_VALUE + 1 }, &why),
		     -EINVAL);
	cr_expect_str_eq(why.field, "secret");
}

Test(webhook_judge, disables_the_channel_that_is_gone)
{
	const struct answer gone = { .status = 410 };
	const struct answer fine = { .status = 204 };

	cr_expect_eq(provider_find(STR("webhook"))->judge(&gone, 0).kind, VERDICT_DISABLE);
	cr_expect_eq(provider_find(STR("webhook"))->judge(&fine, 0).kind, VERDICT_DELIVERED);
}

Test(webhook_judge, is_final_at_410_and_knows_throttling)
{
	static const struct {
		int status;
		enum verdict_kind kind;
		bool is_final, is_throttled;
	} cases[] = {
		{ 200, VERDICT_DELIVERED, false, false }, { 204, VERDICT_DELIVERED, false, false },
		{ 202, VERDICT_DELIVERED, false, false }, { 299, VERDICT_DELIVERED, false, false },
		{ 301, VERDICT_RETRY, false, false },     { 400, VERDICT_RETRY, false, false },
		{ 302, VERDICT_RETRY, false, false },     { 307, VERDICT_RETRY, false, false },
		{ 308, VERDICT_RETRY, false, false },     { 401, VERDICT_RETRY, false, false },
		{ 408, VERDICT_RETRY, false, false },     { 503, VERDICT_RETRY, false, false },
		{ 404, VERDICT_RETRY, false, false },     { 410, VERDICT_DISABLE, true, false },
		{ 429, VERDICT_RETRY, false, true },      { 500, VERDICT_RETRY, false, false },
		{ 502, VERDICT_RETRY, false, true },      { 504, VERDICT_RETRY, false, true },
	};
	const struct provider *webhook = provider_find(STR("webhook"));

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct answer answer = { .status = cases[i].status };
		struct verdict verdict = webhook->judge(&answer, 0);

		cr_expect_eq(verdict.kind, cases[i].kind, "%d", cases[i].status);
		cr_expect_eq(verdict.is_final, cases[i].is_final, "%d", cases[i].status);
		cr_expect_eq(verdict.is_throttled, cases[i].is_throttled, "%d", cases[i].status);
		cr_expect_eq(verdict.why != NULL,
			     cases[i].is_final || (cases[i].status >= 300 && cases[i].status < 400),
			     "%d", cases[i].status);
	}
	cr_expect_not(webhook->folds);
	cr_expect_null(webhook->paces);
}
