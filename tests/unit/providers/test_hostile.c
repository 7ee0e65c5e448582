/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Over a thousand messages that are put together at random from what chats take for mentions, links
 * and formats, from clusters of many code points, and from control characters. Every string of
 * every request is judged as the vendor's clients read it: nothing of the user's text is active, no
 * cut is inside a cluster, and each text is within the vendor's limit in the vendor's own unit.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "chat_rig.h"
#include "core/attributes.h"
#include "core/json.h"
#include "core/utf8.h"

#define ROUNDS 28
#define DOMAIN "evil.example"

static const char *const pieces[] = {
	"@everyone ",
	"@here",
	"<@1234>",
	"<#7>",
	"<!channel>",
	"<!subteam^S1>",
	"<users/all>",
	"@room",
	"@evil:" DOMAIN,
	"<at>evil</at>",
	"</cmd:12>",
	"<t:1:R>",
	"/evil",
	"#evil",
	"https://" DOMAIN "/x?y=1",
	"http:\\/\\/" DOMAIN,
	"www." DOMAIN,
	DOMAIN,
	"[evil](https://" DOMAIN ")",
	"<https://" DOMAIN "|evil>",
	"<a href=\"//" DOMAIN "\">",
	"mailto:evil@" DOMAIN,
	"**evil**",
	"__evil__",
	"~~evil~~",
	"||evil||",
	"`evil`",
	"```evil",
	"*evil*",
	"_evil_",
	"~evil~",
	"<b>evil</b>",
	"&lt;b&gt;evil",
	"&amp;",
	"&#60;",
	"</code>",
	"<script>",
	"\n# evil",
	"\n> evil",
	"\n- evil",
	"{{DATE(2026-01-01,SHORT)}}",
	"{{{",
	"\\",
	"\\\\*",
	"\"",
	"'",
	"%s",
	"$evil",
	"\x01",
	"\x7f",
	"\t",
	"\r\n",
	"\xe2\x80\xae",
	"\xe2\x81\xa6",
	"\xe2\x80\xa8",
	"\xc2\x85",
	"evil",
	" ",
	"words of the user",
};

/* A family, a flag, a hand, a keycap and a letter with an accent. No part of one is in another. */
static const char *const clusters[] = {
	"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
	"\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
	"\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd",
	"5\xef\xb8\x8f\xe2\x83\xa3",
	"\xd0\xb6\xcc\x81",
};

/* What is left of a cluster that was cut. */
static const char *const fragments[] = {
	"\xe2\x80\x8d",     "\xf0\x9f\x91\xa8", "\xf0\x9f\x91\xa7", "\xf0\x9f\x87",
	"\xf0\x9f\x91\x8d", "\xf0\x9f\x8f\xbd", "\xef\xb8\x8f",     "\xe2\x83\xa3",
	"\xd0\xb6",         "\xcc\x81",
};

/* ---- composing ------------------------------------------------------------------------------ */

static uint32_t dice;

static size_t roll(size_t sides)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 8) % sides;
}

static const char *one_of(const char *const *list, size_t count)
{
	return list[roll(count)];
}

/* Short, long, or longer than any limit. */
static void compose(struct buf *out)
{
	static const size_t most[] = { 6, 60, 700 };
	size_t count = 1 + roll(most[roll(ARRAY_LEN(most))]);
	bool is_bare = roll(3) == 0; /* clusters alone: every cut meets one */

	buf_init(out, 16384);
	for (size_t i = 0; i < count; i++)
		buf_add_text(out, is_bare || roll(4) == 0 ? one_of(clusters, ARRAY_LEN(clusters))
							  : one_of(pieces, ARRAY_LEN(pieces)));
	cr_assert_eq(out->err, 0);
}

/* ---- judging one text ----------------------------------------------------------------------- */

struct reading {
	const char *vendor;
	const char *key; /* the member's name */
	const cJSON *owner;
	const char *text;
};

static void fail(const struct reading *reading, const char *why, const char *at)
{
	cr_assert_fail("%s, %s: %s at \"%.60s\" of \"%.300s\"", reading->vendor, reading->key, why,
		       at, reading->text);
}

/* A copy without our own link and other marks, each from `begin` up to one of the bytes `end`. */
static char *without(const char *text, const char *begin, const char *end)
{
	char *copy = strdup(text);
	char *at = copy;

	cr_assert_not_null(copy);
	while ((at = strstr(at, begin))) {
		size_t len = strcspn(at, end);

		if (at > copy && at[-1] == '\\') { /* escaped, so it is the user's */
			at++;
			continue;
		}
		len += at[len] == '>' ? 1 : 0;
		memmove(at, at + len, strlen(at + len) + 1);
	}
	return copy;
}

static char *without_both(const char *text, const char *begin, const char *end)
{
	char *first = without(text, begin, end);
	char *second = without(first, RIG_LINK "/", " \n|>\"");

	free(first);
	return second;
}

static void no_fragments(const struct reading *reading)
{
	char *copy = strdup(reading->text);

	cr_assert_not_null(copy);
	for (size_t i = 0; i < ARRAY_LEN(clusters); i++)
		for (char *at = copy; (at = strstr(at, clusters[i]));)
			memset(at, ' ', strlen(clusters[i]));
	for (size_t i = 0; i < ARRAY_LEN(fragments); i++)
		if (strstr(copy, fragments[i]))
			fail(reading, "a cut inside a cluster", strstr(copy, fragments[i]));
	free(copy);
}

static void no_controls(const struct reading *reading)
{
	struct str rest = str_of(reading->text);

	while (rest.len) {
		uint32_t code;
		size_t n = utf8_decode(rest, &code);

		if (n == 0 || (code < ' ' && code != '\n') || (code >= 0x7f && code <= 0x9f) ||
		    code == 0x2028 || code == 0x202e || code == 0x2066)
			fail(reading, "a control character", rest.at);
		rest = str_from(rest, n ? n : 1);
	}
}

/* No name that is mentioned and no domain that becomes a link, wherever plain text is searched. */
static void no_addresses(const struct reading *reading, const char *text)
{
	for (const char *at = text; *at; at++) {
		bool is_name = (at[0] == '@' || at[0] == '#') &&
			       (at[1] == '_' || (at[1] >= '0' && at[1] <= '9') ||
				((at[1] | 32) >= 'a' && (at[1] | 32) <= 'z'));

		if (is_name)
			fail(reading, "a name", at);
		if (strncmp(at, DOMAIN, strlen(DOMAIN)) == 0 || strncmp(at, "://", 3) == 0)
			fail(reading, "a link", at);
	}
}

static void none_of(const struct reading *reading, const char *text, const char *marks)
{
	const char *at = strpbrk(text, marks);

	if (at)
		fail(reading, "a mark", at);
}

static size_t entity_at(const char *at)
{
	static const char *const entities[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };

	for (size_t i = 0; i < ARRAY_LEN(entities); i++)
		if (strncmp(at, entities[i], strlen(entities[i])) == 0)
			return strlen(entities[i]);
	return 0;
}

static void only_entities(const struct reading *reading, const char *text)
{
	for (const char *at = text; (at = strchr(at, '&')); at++)
		if (!entity_at(at))
			fail(reading, "an ampersand", at);
}

static size_t tag_at(const char *at)
{
	static const char *const tags[] = { "<b>",   "</b>",  "<code>", "</code>", "</a>",
					    "<h4>",  "</h4>", "<ul>",   "</ul>",   "<li>",
					    "</li>", "<p>",   "</p>",   "</span>", "</font>" };
	static const char *const openings[] = { "<a href=\"" RIG_LINK "/",
						"<span data-mx-color=\"#", "<font color=\"#" };

	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (strncmp(at, tags[i], strlen(tags[i])) == 0)
			return strlen(tags[i]);
	for (size_t i = 0; i < ARRAY_LEN(openings); i++)
		if (strncmp(at, openings[i], strlen(openings[i])) == 0)
			return strcspn(at, ">") + 1;
	return 0;
}

/* Returns how many code points people see. If has_code, user text appears only inside <code>. */
static size_t read_html(const struct reading *reading, bool has_code)
{
	bool is_code = false;
	size_t seen = 0;

	for (const char *at = reading->text; *at;) {
		size_t tag = *at == '<' ? tag_at(at) : 0;
		size_t entity = *at == '&' ? entity_at(at) : 0;

		if ((*at == '<' && !tag) || (*at == '&' && !entity) || *at == '>')
			fail(reading, "HTML of the user's", at);
		if (strncmp(at, "<code>", 6) == 0 || strncmp(at, "</code>", 7) == 0)
			is_code = at[1] != '/';
		if (has_code && !is_code && !tag && (*at == '@' || strncmp(at, "evil", 4) == 0))
			fail(reading, "the user's text outside code", at);
		seen += !tag && ((unsigned char)*at & 0xc0) != 0x80;
		at += tag ? tag : entity ? entity : 1;
	}
	cr_assert_not(is_code);
	return seen;
}

static void at_most(const struct reading *reading, size_t size, size_t limit)
{
	if (size > limit)
		fail(reading, "more than the vendor takes", "");
}

static size_t points_of(const char *text)
{
	size_t points = 0;

	for (; *text; text++)
		points += ((unsigned char)*text & 0xc0) != 0x80;
	return points;
}

static bool is_in(const char *key, const char *first, const char *second)
{
	return strcmp(key, first) == 0 || strcmp(key, second) == 0;
}

/* ---- the vendors ---------------------------------------------------------------------------- */

static void read_discord(const struct reading *reading)
{
	static const struct {
		const char *key;
		size_t limit;
	} limits[] = { { "title", 256 }, { "name", 256 },     { "value", 1024 },
		       { "text", 2048 }, { "content", 2000 }, { "description", 4096 } };
	char *text = without_both(reading->text, "<t:", ">");
	char last = '\n';

	if (is_in(reading->key, "url", "timestamp"))
		*text = '\0';
	for (const char *at = text; *at; at++) {
		if (*at == '\\') {
			last = *++at;
			cr_assert(last);
			continue;
		}
		if (strchr("*_~|`<>[]@", *at) || strncmp(at, "://", 3) == 0 ||
		    (last == '\n' && strchr("#>-+", *at)))
			fail(reading, "a mark", at);
		last = *at;
	}
	free(text);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (strcmp(limits[i].key, reading->key) == 0)
			at_most(reading, points_of(reading->text), limits[i].limit);
}

static void read_slack(const struct reading *reading)
{
	const char *type = json_get_string(reading->owner, "type");
	char *dated = without(reading->text, "<!date^", ">");
	char *text = without_both(dated, "<" RIG_LINK "/", ">");

	none_of(reading, text, "<>");
	only_entities(reading, text);
	if (strcmp(reading->key, "color") != 0)
		no_addresses(reading, text);
	if (type && strcmp(type, "mrkdwn") == 0 && strstr(text, "evil"))
		fail(reading, "the user's text in marked text", text);
	if (!type && strcmp(reading->key, "text") == 0)
		cr_assert(cJSON_IsFalse(json_get(reading->owner, "mrkdwn")));
	at_most(reading, points_of(reading->text), 4000);
	free(text);
	free(dated);
}

static void read_teams(const struct reading *reading)
{
	const char *type = json_get_string(reading->owner, "type");
	char *text = without(reading->text, RIG_LINK "/", " \n");

	if (strcmp(reading->key, "text") != 0) {
		cr_assert_null(strstr(text, "evil"), "%s", text);
		free(text);
		return;
	}
	no_addresses(reading, text);
	if (strstr(text, "{{"))
		fail(reading, "a template", text);
	cr_assert(type && strcmp(type, "TextRun") == 0);
	free(text);
}

static void read_googlechat(const struct reading *reading)
{
	bool is_card = reading->owner->string && strcmp(reading->key, "text") == 0;
	char *text = without_both(reading->text, "<font color=\"#", ">");

	if (is_in(reading->key, "url", "threadKey"))
		*text = '\0';
	no_addresses(reading, text);
	if (is_card)
		(void)read_html(reading, false);
	else if (strcmp(reading->key, "title") == 0)
		none_of(reading, text, "<>");
	else
		none_of(reading, text, "<>*_~`");
	free(text);
}

/* All of the plain form is code, except for the link: nothing is searched for addresses there. */
static void read_plain_telegram(const struct reading *reading)
{
	const cJSON *entity = cJSON_GetArrayItem(json_get(reading->owner, "entities"), 0);
	const char *link = strstr(reading->text, RIG_LINK "/");
	size_t covered = 0;

	for (const char *at = reading->text; link ? at < link : *at; at++)
		covered += (size_t)(((unsigned char)*at & 0xc0) != 0x80) +
			   (size_t)((unsigned char)*at >= 0xf0);
	cr_assert_str_eq(json_get_string(entity, "type"), "code");
	cr_assert_eq(json_get(entity, "offset")->valueint, 0);
	cr_assert_eq((size_t)json_get(entity, "length")->valueint, covered, "%s", reading->text);
	at_most(reading, points_of(reading->text), 4096);
}

static void read_telegram(const struct reading *reading)
{
	if (strcmp(reading->key, "text") != 0)
		return;
	if (json_get(reading->owner, "parse_mode"))
		at_most(reading, read_html(reading, true), 4096);
	else
		read_plain_telegram(reading);
}

static void read_matrix(const struct reading *reading)
{
	char *text = without(reading->text, RIG_LINK "/", " \n");

	if (strcmp(reading->key, "formatted_body") == 0)
		(void)read_html(reading, true);
	else if (strcmp(reading->key, "body") == 0)
		no_addresses(reading, text);
	if (strcmp(reading->key, "body") == 0) {
		const cJSON *mentions = json_get(reading->owner, "m.mentions");

		cr_assert(cJSON_IsObject(mentions) && !mentions->child);
	}
	free(text);
}

static const struct vendor {
	const char *name;
	struct rig_config config;
	void (*read)(const struct reading *reading);
	size_t bytes; /* of the whole body at most; 0: it is not counted */
} vendors[] = {
	{ "discord",
	  { { "webhook_url", "https://discord.com/api/webhooks/123456789012345678/tok" } },
	  read_discord,
	  0 },
	{ "slack",
	  { { "webhook_url", "https://hooks.slack.com/services/T0/B0/secret" } },
	  read_slack,
	  0 },
	{ "teams",
	  { { "webhook_url",
	      "https://e.01.environment.api.powerplatform.com/workflows/"
	      "0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke?sig=a" } },
	  read_teams,
	  18000 },
	{ "googlechat",
	  { { "webhook_url", "https://chat.googleapis.com/v1/spaces/A/messages?key=k&token=t" } },
	  read_googlechat,
	  32000 },
	{ "telegram",
	  { { "bot_token", "123456789:AAEexampleExampleExampleExampleExampl", "chat_id",
	      "-1001234567890" } },
	  read_telegram,
	  0 },
	{ "matrix",
	  { { "homeserver_url", "https://hs.example", "access_token", "t", "room_id",
	      "!r:hs.example" } },
	  read_matrix,
	  40000 },
};

static void read_tree(const struct vendor *vendor, const cJSON *owner, const cJSON *tree)
{
	struct reading reading = { .vendor = vendor->name,
				   .key = tree->string ? tree->string : "",
				   .owner = owner };

	if (cJSON_IsString(tree)) {
		reading.text = tree->valuestring;
		no_controls(&reading);
		no_fragments(&reading);
		vendor->read(&reading);
	}
	for (const cJSON *item = tree->child; item; item = item->next)
		read_tree(vendor, tree, item);
}

static void read_request(const struct vendor *vendor, struct rig *rig)
{
	struct measure measure = rig->provider->measure(&rig->out);
	struct str body = buf_str(&rig->out.body);
	cJSON *tree = NULL;

	cr_assert_eq(json_parse(body, OUTGOING_MAX_BODY, &tree, NULL), 0);
	cr_assert_leq(measure.size, measure.limit, "%s", vendor->name);
	cr_assert(vendor->bytes == 0 || body.len <= vendor->bytes, "%s: %zu", vendor->name,
		  body.len);
	read_tree(vendor, NULL, tree);
	cJSON_Delete(tree);
}

/* ---- the messages --------------------------------------------------------------------------- */

enum shape { SHAPE_EVENT, SHAPE_EDIT, SHAPE_TEST, SHAPE_DIGEST, SHAPES };

static void begin_digest(struct rig *rig, const struct vendor *vendor, struct buf texts[3])
{
	rig_digest(rig, vendor->name);
	for (size_t i = 0; i < DIGEST_MAX_FAILURES; i++)
		rig->digest.failures[i] =
			(struct digest_failure){ STR("capsule.destroy"), buf_str(&texts[i % 3]),
						 buf_str(&texts[(i + 1) % 3]) };
	rig->digest.failure_count = DIGEST_MAX_FAILURES;
}

static void begin(struct rig *rig, const struct vendor *vendor, enum shape shape,
		  struct buf texts[3])
{
	if (shape == SHAPE_DIGEST)
		begin_digest(rig, vendor, texts);
	else if (shape == SHAPE_TEST)
		rig_test(rig, vendor->name);
	else
		rig_failure(rig, vendor->name, buf_text(&texts[0]), buf_text(&texts[1]),
			    buf_text(&texts[2]));
}

static void build_and_read(const struct vendor *vendor, enum shape shape, int form)
{
	struct message_life life = { .replaces = STR("42"), .trail = STR("created"), 1 };
	struct message_test test = { .team = STR(RIG_TEAM) };
	struct buf texts[3];
	struct rig rig;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		compose(&texts[i]);
	begin(&rig, vendor, shape, texts);
	rig.message.team_name = buf_str(&texts[1]);
	test.channel = buf_str(&texts[0]);
	test.team_name = buf_str(&texts[1]);
	test.sent_by = buf_str(&texts[2]);
	rig.message.test = shape == SHAPE_TEST ? &test : NULL;
	if (shape == SHAPE_EDIT && rig.provider->edit) {
		life.replaces = str_of(rig.provider->edit->example);
		rig.message.life = &life;
	}
	cr_assert_eq(rig_build(&rig, &vendor->config, (enum message_form)form, RIG_LINK), 0);
	read_request(vendor, &rig);
	rig_done(&rig);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		buf_done(&texts[i]);
}

Test(hostile, text_is_never_active_and_never_cut_inside_a_cluster)
{
	for (uint32_t round = 0; round < ROUNDS; round++)
		for (size_t v = 0; v < ARRAY_LEN(vendors); v++)
			for (int shape = 0; shape < SHAPES; shape++)
				for (int form = 0; form < 2; form++) {
					dice = round;
					build_and_read(&vendors[v], (enum shape)shape, form);
				}
}

/* Programs read these: what we got is what they get. */
Test(hostile, text_reaches_a_webhook_as_it_is)
{
	static const struct rig_config hook = { { "url", "https://x.example/", "secret", "s" } };

	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct buf text;
		struct rig rig;

		dice = round;
		compose(&text);
		rig_success(&rig, "webhook");
		rig.message.body = buf_str(&text);
		cr_assert_eq(rig_build(&rig, &hook, FORM_RICH, RIG_LINK), 0);
		cr_assert(str_eq(buf_str(&rig.out.body), buf_str(&text)));
		rig_done(&rig);
		buf_done(&text);
	}
}
