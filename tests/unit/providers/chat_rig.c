/* SPDX-License-Identifier: Apache-2.0 */

/* See chat_rig.h. */
#include "chat_rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "core/json.h"

static void start(struct rig *rig, const char *provider)
{
	*rig = (struct rig){ .provider = provider_find(str_of(provider)) };
	cr_assert_not_null(rig->provider);
	buf_init(&rig->text, 4 * OUTGOING_MAX_BODY);
	outgoing_init(&rig->out);
	rig->message.trims = &rig->trims;
}

static void set_event(struct rig *rig, const char *json)
{
	struct reason why = { .text = "" };

	cr_assert_eq(event_parse(str_of(json), (struct stream_id){ 0 }, &rig->event, &why), 0, "%s",
		     why.text);
	rig->message.event = rig->event;
}

void rig_success(struct rig *rig, const char *provider)
{
	start(rig, provider);
	set_event(rig, "{\"event\":\"capsule.pause\",\"outcome\":\"success\","
		       "\"timestamp\":\"2026-05-24T05:02:07Z\",\"team_id\":\"" RIG_TEAM "\","
		       "\"actor\":{\"type\":\"system\"},"
		       "\"resource\":{\"id\":\"cl-1\",\"type\":\"capsule\"}}");
}

void rig_failure(struct rig *rig, const char *provider, const char *id, const char *name,
		 const char *error)
{
	struct buf json;

	start(rig, provider);
	buf_init(&json, EVENT_MAX_BYTES);
	buf_add_text(&json, "{\"event\":\"capsule.destroy\",\"outcome\":\"error\","
			    "\"timestamp\":\"2026-05-24T05:02:07Z\",\"team_id\":\"" RIG_TEAM "\","
			    "\"actor\":{\"type\":\"user\",\"id\":\"us-1\"");
	json_add_member(&json, "name", str_of(name));
	buf_add_text(&json, "},\"resource\":{\"type\":\"capsule\"");
	json_add_member(&json, "id", str_of(id));
	buf_add_text(&json, "},\"metadata\":{");
	json_add_member(&json, "reason", str_of(name));
	buf_add_char(&json, '}');
	json_add_member(&json, "error", str_of(error));
	buf_add_char(&json, '}');
	set_event(rig, buf_text(&json));
	buf_done(&json);
}

void rig_host_down(struct rig *rig, const char *provider)
{
	start(rig, provider);
	set_event(rig, "{\"event\":\"host.down\",\"timestamp\":\"2026-05-24T05:02:07Z\","
		       "\"team_id\":\"" RIG_TEAM "\",\"actor\":{\"type\":\"system\"},"
		       "\"resource\":{\"id\":\"host-1\",\"type\":\"host\"}}");
}

void rig_test(struct rig *rig, const char *provider)
{
	start(rig, provider);
	set_event(rig, "{\"event\":\"channel.test\",\"timestamp\":\"2026-05-24T05:02:07Z\","
		       "\"team_id\":\"" RIG_TEAM "\",\"actor\":{\"type\":\"system\"},"
		       "\"resource\":{\"id\":\"test\",\"type\":\"channel\"}}");
}

void rig_full_digest(struct rig *rig, const char *provider)
{
	static char longest[301];
	const struct str text = { longest, sizeof(longest) - 1 };

	memset(longest, '<', sizeof(longest) - 1);
	start(rig, provider);
	rig->digest = (struct digest){
		.team_text = STR(RIG_TEAM),
		.first = STR("2026-05-24T05:00:00Z"),
		.last = STR("2026-05-24T05:02:07Z"),
		.total = 1000,
		.group_count = DIGEST_MAX_GROUPS,
		.failure_count = DIGEST_MAX_FAILURES,
	};
	for (size_t i = 0; i < DIGEST_MAX_GROUPS; i++)
		rig->digest.groups[i] = (struct digest_group){ text, STR("error"), 20 };
	for (size_t i = 0; i < DIGEST_MAX_FAILURES; i++)
		rig->digest.failures[i] =
			(struct digest_failure){ text, text, { longest, text.len - i } };
	rig->message.digest = &rig->digest;
}

void rig_digest(struct rig *rig, const char *provider)
{
	start(rig, provider);
	rig->digest = (struct digest){
		.team_text = STR(RIG_TEAM),
		.first = STR("2026-05-24T05:00:00Z"),
		.last = STR("2026-05-24T05:02:07Z"),
		.total = 10,
		.group_count = 2,
		.groups = { { STR("capsule.destroy"), STR("error"), 3 },
			    { STR("capsule.pause"), STR("success"), 7 } },
		.failure_count = 1,
		.failures = { { STR("capsule.destroy"), STR("cl-9"), STR("no <space> left") } },
	};
	rig->message.digest = &rig->digest;
}

void rig_done(struct rig *rig)
{
	event_free(rig->event);
	outgoing_done(&rig->out);
	buf_done(&rig->text);
}

static struct provider_config settings_of(const struct rig_config *config)
{
	struct provider_config settings = { .count = 0 };

	for (size_t i = 0; i < RIG_MAX_FIELDS && config->pairs[2 * i]; i++) {
		settings.fields[i].name = config->pairs[2 * i];
		settings.fields[i].value = str_of(config->pairs[2 * i + 1]);
		settings.count++;
	}
	return settings;
}

int rig_build(struct rig *rig, const struct rig_config *config, enum message_form form,
	      const char *link_base)
{
	const struct provider_config settings = settings_of(config);
	const struct attempt attempt = {
		.delivery_id = STR(RIG_DELIVERY),
		.number = rig->before + 1,
		.before = rig->before,
		.now_us = RIG_NOW_US,
		.user_agent = "wrenn-events/0.1.0",
	};

	outgoing_done(&rig->out);
	outgoing_init(&rig->out);
	rig->message.form = form;
	rig->message.link_base = str_of(link_base);
	return rig->provider->build(&rig->message, &settings, &attempt, &rig->out);
}

const char *rig_request(struct rig *rig)
{
	buf_reset(&rig->text);
	buf_addf(&rig->text, "%s %s\n", rig->out.method, buf_text(&rig->out.url));
	for (size_t i = 0; i < rig->out.header_count; i++)
		buf_addf(&rig->text, "%s\n", buf_text(&rig->out.headers[i]));
	buf_add_char(&rig->text, '\n');
	buf_add_str(&rig->text, buf_str(&rig->out.body));
	return buf_text(&rig->text);
}

static void expect_body(struct rig *rig, const struct rig_config *config, int form,
			const char *link_base, const char *wanted)
{
	const char *name = rig->provider->name;

	cr_assert_eq(rig_build(rig, config, (enum message_form)form, link_base), 0);
	cr_expect_str_eq(buf_text(&rig->out.body), wanted, "%s, form %d: %s", name, form,
			 buf_text(&rig->out.body));
	cr_expect_eq(rig->trims.count, 0, "%s: nothing had to be cut", name);
}

void rig_expect_bodies(const char *provider, const struct rig_config *config,
		       const struct rig_bodies *bodies)
{
	for (int form = 0; form < 2; form++) {
		struct rig rig;

		rig_success(&rig, provider);
		expect_body(&rig, config, form, RIG_LINK, bodies->success[form]);
		rig_done(&rig);
		rig_failure(&rig, provider, RIG_HOSTILE, RIG_HOSTILE, RIG_HOSTILE);
		expect_body(&rig, config, form, RIG_LINK, bodies->hostile[form]);
		rig_done(&rig);
		rig_digest(&rig, provider);
		expect_body(&rig, config, form, "", bodies->digest[form]);
		rig_done(&rig);
	}
}

static void expect_size(struct rig *rig, const struct rig_config *config, int form)
{
	struct measure measure;
	cJSON *tree = NULL;

	cr_assert_eq(rig_build(rig, config, (enum message_form)form, ""), 0);
	measure = rig->provider->measure(&rig->out);
	cr_expect_leq(measure.size, measure.limit);
	cr_expect_gt(measure.size, measure.limit / 64);
	cr_expect_eq(json_parse(buf_str(&rig->out.body), OUTGOING_MAX_BODY, &tree, NULL), 0);
	cJSON_Delete(tree);
}

static void expect_fit(struct rig *rig, const struct rig_config *config, int form)
{
	size_t names_cut = 0;

	expect_size(rig, config, form);
	/* Discord escapes brackets and hyphens. */
	cr_expect(strstr(buf_text(&rig->out.body), "\xe2\x80\xa6 (us-1)") ||
			  strstr(buf_text(&rig->out.body), "\xe2\x80\xa6 \\\\(us\\\\-1\\\\)"),
		  "the name is cut, never the id");
	for (size_t i = 0; i < rig->trims.count; i++) {
		cr_expect_lt(rig->trims.items[i].kept, rig->trims.items[i].of);
		names_cut += strcmp(rig->trims.items[i].what, "actor") == 0;
	}
	cr_expect_eq(names_cut, 1, "reported once, however many places it appears in");
}

void rig_expect_fit(const char *provider, const struct rig_config *config)
{
	/* One, two, three and four bytes, and bytes that grow in every escape. */
	static const char *const units[] = { "x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
					     "<", "&",        "\"",           "'",
					     "*" };

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		struct buf name;
		struct rig rig;

		buf_init(&name, EVENT_MAX_BYTES);
		while (name.len < (units[i][0] == '"' ? 14000u : 28000u))
			buf_add_text(&name, units[i]);
		rig_failure(&rig, provider, "cl-1", buf_text(&name), "boom");
		for (int form = 0; form < 2; form++)
			expect_fit(&rig, config, form);
		rig_done(&rig);
		buf_done(&name);
	}
	for (int form = 0; form < 2; form++) {
		struct rig rig;

		rig_full_digest(&rig, provider);
		expect_size(&rig, config, form);
		rig_done(&rig);
	}
}

static void expect_piece(struct rig *rig, const struct rig_config *config, const char *piece)
{
	cr_assert_eq(rig_build(rig, config, FORM_RICH, RIG_LINK), 0);
	cr_expect_not_null(strstr(buf_text(&rig->out.body), piece), "%s: %s", piece,
			   buf_text(&rig->out.body));
}

void rig_expect_tones(const char *provider, const struct rig_config *config,
		      const struct rig_tones *tones)
{
	struct rig rig;

	rig_success(&rig, provider);
	expect_piece(&rig, config, tones->good);
	rig_done(&rig);
	rig_host_down(&rig, provider);
	expect_piece(&rig, config, tones->bad);
	rig_done(&rig);
	rig_failure(&rig, provider, "cl-1", "Ada", "boom");
	expect_piece(&rig, config, tones->bad);
	rig_done(&rig);
	rig_digest(&rig, provider);
	rig.digest.groups[0].outcome = STR("success");
	rig.digest.failure_count = 0;
	expect_piece(&rig, config, tones->neutral);
	rig_done(&rig);
}

void rig_expect_reference(const char *provider, const struct rig_config *config, const char *piece)
{
	struct rig rig;

	rig_success(&rig, provider);
	cr_assert_eq(rig_build(&rig, config, FORM_RICH, RIG_LINK), 0);
	cr_expect_null(strstr(buf_text(&rig.out.body), piece));
	rig.event->id = (struct stream_id){ .ms = 7, .seq = 3 };
	expect_piece(&rig, config, piece);
	rig_done(&rig);
}

int rig_check(const char *provider, const struct rig_config *config, char field[48])
{
	const struct provider_config settings = settings_of(config);
	struct reason why = { .field = "", .text = "" };
	int rc = provider_find(str_of(provider))->check(&settings, &why);

	memcpy(field, why.field, sizeof(why.field));
	/* A refusal repeats no value; its example is ours. */
	char *example = strstr(why.text, "; a valid one: ");

	if (example)
		*example = '\0';
	for (size_t i = 0; rc != 0 && i < settings.count; i++) {
		const char *value = config->pairs[2 * i + 1];

		if (strlen(value) > strlen("https://"))
			cr_expect_null(strstr(why.text, value), "%s", why.text);
	}
	return rc;
}

size_t rig_paces(const char *provider, const struct rig_config *config,
		 struct pace out[PROVIDER_MAX_PACES])
{
	const struct provider_config settings = settings_of(config);

	return provider_find(str_of(provider))->paces(&settings, out);
}

struct verdict rig_judge(const char *provider, int status, const char *body)
{
	const struct answer answer = { .status = status, .body = str_of(body) };

	return provider_find(str_of(provider))->judge(&answer, RIG_NOW_US);
}

void rig_expect_answers(const char *provider, const struct rig_answer *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct rig_answer *row = &rows[i];
		struct verdict verdict = rig_judge(provider, row->status, row->body);

		cr_expect_eq(verdict.kind, row->kind, "%d %s: %d", row->status, row->body,
			     (int)verdict.kind);
		cr_expect_eq(verdict.is_stranger, row->why && strcmp(row->why, STRANGER) == 0,
			     "%d %s", row->status, row->body);
		cr_expect_not(verdict.is_unknown, "%d %s", row->status, row->body);
		if (verdict.is_stranger)
			continue;
		if (row->why)
			cr_expect(verdict.why && strstr(verdict.why, row->why), "%d %s: %s",
				  row->status, row->body, verdict.why);
		else
			cr_expect_null(verdict.why, "%d %s: %s", row->status, row->body,
				       verdict.why);
	}
}

void rig_expect_unknown(const char *provider, int status, const char *body)
{
	struct verdict verdict = rig_judge(provider, status, body);

	cr_expect_eq(verdict.kind, VERDICT_REFORM, "%d %s: %d", status, body, (int)verdict.kind);
	cr_expect(verdict.is_unknown, "%d %s", status, body);
	cr_expect_not(verdict.is_stranger, "%d %s", status, body);
}

void rig_expect_measure(const char *provider, const struct rig_config *config,
			const struct rig_measure *expected)
{
	size_t before[2];
	struct rig rig;

	rig_failure(&rig, provider, "cl-1", "x", "x");
	for (int form = 0; form < 2; form++) {
		cr_assert_eq(rig_build(&rig, config, (enum message_form)form, ""), 0);
		before[form] = rig.provider->measure(&rig.out).size;
	}
	rig_done(&rig);
	rig_failure(&rig, provider, "cl-1", "x", "\xf0\x9f\x98\x80\xc3\xa9<");
	for (int form = 0; form < 2; form++) {
		cr_assert_eq(rig_build(&rig, config, (enum message_form)form, ""), 0);
		struct measure measure = rig.provider->measure(&rig.out);

		cr_expect_str_eq(measure.unit, expected->unit);
		cr_expect_eq(measure.limit, expected->limits[form]);
		cr_expect_eq(measure.size, before[form] + expected->growth[form], "form %d", form);
	}
	rig_done(&rig);
}

void rig_expect_bytes(const char *provider, const struct rig_config *config, size_t limit)
{
	struct measure measure;
	struct rig rig;

	rig_success(&rig, provider);
	cr_assert_eq(rig_build(&rig, config, FORM_RICH, ""), 0);
	measure = rig.provider->measure(&rig.out);
	cr_expect_str_eq(measure.unit, "UTF-8 bytes");
	cr_expect_eq(measure.size, rig.out.body.len);
	cr_expect_eq(measure.limit, limit);
	rig_done(&rig);
}

void rig_expect_head(const char *provider, const struct rig_config *config, enum message_form form,
		     const char *head)
{
	struct rig rig;

	rig_success(&rig, provider);
	cr_assert_eq(rig_build(&rig, config, form, ""), 0);
	cr_expect_eq(strncmp(rig_request(&rig), head, strlen(head)), 0, "%s", rig_request(&rig));
	rig_done(&rig);
}
