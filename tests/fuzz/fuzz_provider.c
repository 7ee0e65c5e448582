/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds any bytes to every provider as settings, as an event's or a digest's texts, and as a
 * response. An accepted URL consists of its parts; an accepted config builds, within the limit and
 * as JSON; no request contains an injected line; no wait exceeds an hour.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>

#include "core/json.h"
#include "core/url.h"
#include "core/utf8.h"
#include "providers/provider.h"

#define NOW_US  INT64_C(1779598928000000)
#define HOUR_MS 3600000
#define HEX     "0123456789abcdef0123456789abcdef"

#define CHECK(fact)              \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

/* Settings that every provider takes. */
static const struct sample {
	const char *provider;
	struct provider_config config;
} samples[] = {
	{ "discord",
	  { 1,
	    { { "webhook_url", STR("https://discord.com/api/webhooks/123456789012345678/t") } } } },
	{ "slack",
	  { 1, { { "webhook_url", STR("https://hooks.slack.com/services/T0/B0/secret") } } } },
	{ "teams",
	  { 1,
	    { { "webhook_url", STR("https://e.01.environment.api.powerplatform.com/workflows/" HEX
				   "/triggers/manual/paths/invoke?sig=a") } } } },
	{ "googlechat",
	  { 1,
	    { { "webhook_url",
		STR("https://chat.googleapis.com/v1/spaces/A/messages?key=k&token=t") } } } },
	{ "telegram",
	  { 2, { { "bot_token", STR("123456:" HEX "abc") }, { "chat_id", STR("-100123") } } } },
	{ "matrix",
	  { 3,
	    { { "homeserver_url", STR("https://m.example") },
	      { "access_token", STR("token") },
	      { "room_id", STR("!room:m.example") } } } },
	{ "webhook", { 2, { { "url", STR("https://x.example/") }, { "secret", STR("s") } } } },
};

static void check_url(struct str url)
{
	struct url_parts parts;

	if (!url_split(url, &parts))
		return;
	CHECK(parts.host.len > 0 && parts.host.len <= 253);
	CHECK(!memchr(url.at, '#', url.len) && !memchr(parts.host.at, '@', parts.host.len));
	CHECK(parts.path.len == 0 || parts.path.at[0] == '/');
	/* What the parts do not cover are at most "://", two brackets, a colon and a '?'. */
	size_t sum = parts.scheme.len + parts.host.len + parts.port.len + parts.path.len +
		     parts.query.len;
	CHECK(sum + 3 <= url.len && url.len <= sum + 7);
}

/* What holds of every request, whatever went in. */
static void check_request(const struct provider *provider, struct outgoing *out, bool is_ours)
{
	cJSON *tree = NULL;

	CHECK(out->method && out->url.len > 0);
	CHECK(!memchr(out->url.bytes, '\n', out->url.len));
	for (size_t i = 0; i < out->header_count; i++)
		CHECK(!memchr(out->headers[i].bytes, '\n', out->headers[i].len));
	if (!is_ours)
		return;
	CHECK(json_parse(buf_str(&out->body), OUTGOING_MAX_BODY, &tree, NULL) == 0);
	cJSON_Delete(tree);
	struct measure measure = provider->measure(out);

	CHECK(measure.size > 0 && measure.size <= measure.limit);
}

static void check_build(const struct provider *provider, const struct provider_config *config,
			struct message *message)
{
	bool is_chat = strcmp(provider->name, "webhook") != 0;
	const struct attempt attempt = { .delivery_id = STR("4f0c5a4e-8f5e-5b7e-9c39-6a1f5f0d2b11"),
					 .old_secret_count = 1,
					 .old_secrets = { message->body },
					 .user_agent = "x" };

	const struct message_life life = { .replaces = STR("17"), .trail = STR("paused"), 1 };

	for (int form = 0; form < 4; form++) {
		struct trims trims = { .count = 0 };
		struct outgoing out;
		int rc;

		message->form = (enum message_form)(form / 2);
		message->life = form % 2 && provider->edit && message->event ? &life : NULL;
		message->trims = &trims;
		outgoing_init(&out);
		rc = provider->build(message, config, &attempt, &out);
		/* A home server may answer under a very long name. */
		CHECK(rc == 0 || rc == -E2BIG);
		if (rc == 0)
			check_request(provider, &out, is_chat);
		CHECK(trims.count <= TRIMS_MAX);
		outgoing_done(&out);
	}
}

/* Any texts, as long as they are JSON's: events hold no others. */
static void check_event(const struct sample *sample, struct str text)
{
	struct event *event = NULL;
	struct buf json;
	struct buf clean;

	buf_init(&clean, 4 * EVENT_MAX_BYTES);
	utf8_clean(&clean, text, 4000, true);
	buf_init(&json, 32 * EVENT_MAX_BYTES);
	buf_add_text(&json, "{\"event\":\"capsule.destroy\",\"outcome\":\"error\",\"timestamp\":"
			    "\"2026-05-24T05:02:07Z\",\"team_id\":"
			    "\"team-0x5yg3bfyrehlas5fmd3rslxq\",\"actor\":{\"type\":\"user\"");
	json_add_member(&json, "id", STR("us-1"));
	json_add_member(&json, "name", buf_str(&clean));
	buf_add_text(&json, "},\"resource\":{\"type\":\"sandbox\"");
	json_add_member(&json, "id", buf_str(&clean));
	buf_add_text(&json, "},\"metadata\":{");
	json_add_member(&json, "reason", buf_str(&clean));
	buf_add_char(&json, '}');
	json_add_member(&json, "error", buf_str(&clean));
	buf_add_char(&json, '}');
	if (event_parse(buf_str(&json), (struct stream_id){ 1, 1 }, &event, NULL) == 0) {
		struct message message = { .body = buf_str(&json),
					   .event = event,
					   .link_base = buf_str(&clean) };

		check_build(provider_find(str_of(sample->provider)), &sample->config, &message);
	}
	event_free(event);
	buf_done(&json);
	buf_done(&clean);
}

/* As a digest, and the bytes' own digest when they are one. */
static void check_digest(const struct sample *sample, struct str text)
{
	struct digest digest;
	struct digest again;
	struct buf json;

	if (digest_parse(text, &digest) < 0)
		return;
	CHECK(digest.group_count <= DIGEST_MAX_GROUPS && digest.total > 0);
	CHECK(digest.failure_count <= DIGEST_MAX_FAILURES);
	struct message message = { .body = text, .digest = &digest, .link_base = STR("") };

	check_build(provider_find(str_of(sample->provider)), &sample->config, &message);
	buf_init(&json, 1048576);
	digest_write(&json, &digest);
	CHECK(digest_parse(buf_str(&json), &again) == 0);
	CHECK(again.total == digest.total && again.group_count == digest.group_count);
	digest_done(&again);
	buf_done(&json);
	digest_done(&digest);
}

/* The same bytes as every setting: what check takes, build and paces have to take. */
static void check_settings(const struct provider *provider, struct str value, struct str second)
{
	struct provider_config config = { .count = 0 };
	struct pace paces[PROVIDER_MAX_PACES];
	const struct digest digest = {
		.team_text = STR("t"), .first = STR("f"), .last = STR("l"), .total = 1
	};
	struct message message = { .body = STR("{}"), .digest = &digest, .link_base = STR("") };
	struct reason why = { .text = "" };

	for (size_t i = 0; i < PROVIDER_MAX_FIELDS && provider->fields[i].name; i++) {
		config.fields[i].name = provider->fields[i].name;
		config.fields[i].value = i ? second : value;
		config.count++;
	}
	if (provider->warning)
		provider->warning(&config);
	if (provider->check(&config, &why) < 0) {
		CHECK(why.text[0] && why.field[0]);
		if (provider->paces)
			provider->paces(&config, paces);
		return;
	}
	if (strcmp(provider->name, "webhook") == 0 && second.len == 0)
		return;
	if (provider->paces)
		CHECK(provider->paces(&config, paces) >= 1);
	check_build(provider, &config, &message);
}

static void check_verdict(const struct provider *provider, int status, struct verdict verdict)
{
	CHECK(verdict.retry_after_ms >= -1 && verdict.retry_after_ms <= HOUR_MS);
	CHECK(verdict.pause_ms >= -1 && verdict.pause_ms <= HOUR_MS);
	CHECK((verdict.kind == VERDICT_REBIND) == (verdict.field != NULL));
	CHECK(memchr(verdict.value, '\0', sizeof(verdict.value)));
	CHECK(status / 100 == 2 || verdict.kind != VERDICT_DELIVERED ||
	      strcmp(provider->name, "telegram") == 0);
}

static void check_answer(const struct provider *provider, int status, struct str body,
			 struct str headers)
{
	const struct answer answer = { .status = status, .body = body, .headers = headers };
	check_verdict(provider, status, provider->judge(&answer, NOW_US));
	if (!provider->edit)
		return;
	char id[MESSAGE_ID_SIZE];

	check_verdict(provider, status, provider->edit->judge(&answer, NOW_US));
	if (provider->edit->read_id(&answer, id))
		CHECK(memchr(id, '\0', sizeof(id)) && id[0] > ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 200, 202, 204, 302, 400, 401, 403,
					404, 408, 410, 413, 429, 500, 503 };
	const struct str all = { .at = (const char *)data, .len = size };
	struct str rest = all;
	struct str first = str_cut(&rest, '\n');

	if (!rest.at)
		rest = STR("");
	/* One provider a run is many runs a second; its number is the sum of all bytes. */
	size_t sum = 0;
	for (size_t i = 0; i < size; i++)
		sum += data[i];
	const struct sample *sample = &samples[sum % ARRAY_LEN(samples)];
	const struct provider *provider = provider_find(str_of(sample->provider));

	check_url(first);
	check_event(sample, all);
	check_digest(sample, all);
	check_settings(provider, first, rest);
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		check_answer(provider, statuses[i], all, first);
		check_answer(provider, statuses[i], first, rest);
	}
	return 0;
}
