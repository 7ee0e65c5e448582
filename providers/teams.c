/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Microsoft Teams through a Workflow's trigger: an adaptive card made of text runs, which read no
 * Markdown. An accepted message is only queued; Microsoft does not report what happens to it. URLs
 * of the retired connectors are still accepted, with a warning: their answers are failures inside a
 * 200.
 */
#include <ctype.h>
#include <errno.h>

#include "providers/builtin.h"
#include "providers/chat.h"
#include "providers/hosts.h"

#define BODY_LIMIT            18000          /* bytes of the whole body, see size_body() */
#define WORD_JOINER           "\xe2\x81\xa0" /* U+2060 */
#define WORKFLOW_BURST        10
#define WORKFLOW_INTERVAL_US  12000000
#define CONNECTOR_INTERVAL_US 48000000

/* ---- the address ------------------------------------------------------------------------ */

enum address { ADDRESS_WORKFLOW, ADDRESS_MOVED_WORKFLOW, ADDRESS_CONNECTOR };

/* Power Automate's hosts, in all clouds that Microsoft runs: public, GCC, GCC High, DoD and China.
 * Then Logic Apps, where its triggers used to be. */
static bool is_workflow_host(struct str host)
{
	static const char *const ends[] = {
		".environment.api.powerplatform.com",
		".environment.api.gov.powerplatform.microsoft.us",
		".environment.api.high.powerplatform.microsoft.us",
		".environment.api.appsplatform.us",
		".environment.api.powerplatform.partner.microsoftonline.cn",
		".logic.azure.com",
		".logic.azure.us",
		".logic.azure.cn",
	};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		if (str_ends_nocase(host, str_of(ends[i])))
			return true;
	}
	return false;
}

static bool is_connector(const struct url_parts *parts)
{
	return (str_ends_nocase(parts->host, STR(".webhook.office.com")) &&
		str_starts(parts->path, STR("/webhookb2/"))) ||
	       ((str_eq_nocase(parts->host, STR("outlook.office.com")) ||
		 str_eq_nocase(parts->host, STR("outlook.office365.com"))) &&
		str_starts(parts->path, STR("/webhook/")));
}

/* .../triggers/<name>/paths/invoke. Power Automate calls its trigger "manual", Logic Apps as its
 * author or the designer does: "When_a_HTTP_request_is_received". */
static struct str trigger_of(struct str path)
{
	const struct str mark = STR("/triggers/");
	const struct str end = STR("/paths/invoke");
	const char *found = memmem(path.at, path.len, mark.at, mark.len);
	struct str name;

	if (!found || found == path.at || path.len < end.len ||
	    !str_eq(str_from(path, path.len - end.len), end))
		return STR("");
	name = str_from(path, (size_t)(found - path.at) + mark.len);
	if (name.len <= end.len)
		return STR("");
	name.len -= end.len;
	return name.len <= 256 && str_is_word(name, "_-.%()") ? name : STR("");
}

static const char *read_address(struct str url, struct url_parts *out, enum address *out_kind)
{
	const char *fault = url_hook_fault(url, out);
	struct str trigger;

	if (fault)
		return fault;
	*out_kind = is_connector(out) ? ADDRESS_CONNECTOR : ADDRESS_WORKFLOW;
	if (host_is_allowed("teams", out->host))
		return NULL;
	url_trim_path(out);
	if (*out_kind == ADDRESS_CONNECTOR)
		return NULL;
	if (!is_workflow_host(out->host))
		return "has a host that is not one of Power Automate or Logic Apps";
	trigger = trigger_of(out->path);
	if (trigger.len == 0)
		return "has a path that does not end in /triggers/<name>/paths/invoke";
	if (!chat_parameter(out->query, "sig").len)
		return "has no sig=... in it: let the workflow be triggered by anyone and copy its "
		       "URL whole";
	if (str_ends_nocase(out->host, STR(".logic.azure.com")) && str_is(trigger, "manual"))
		*out_kind = ADDRESS_MOVED_WORKFLOW;
	return NULL;
}

static int teams_check(const struct provider_config *config, struct reason *why)
{
	int rc = config_check_fields(config, teams_provider.fields, why);
	struct url_parts parts;
	enum address kind;
	const char *fault;

	if (rc)
		return rc;
	fault = read_address(config_value(config, "webhook_url"), &parts, &kind);
	return fault ? config_refuse(why, "webhook_url", fault,
				     "https://a1.b2.environment.api.powerplatform.com/"
				     "powerautomate/automations/direct/workflows/c3/triggers/"
				     "manual/paths/invoke?api-version=1&sig=d4")
		     : 0;
}

static const char *teams_warning(const struct provider_config *config)
{
	struct url_parts parts;
	enum address kind;

	if (read_address(config_value(config, "webhook_url"), &parts, &kind))
		return NULL;
	switch (kind) {
	case ADDRESS_CONNECTOR:
		return "Microsoft has shut down the connectors of office.com URLs: make a "
		       "workflow in Teams and use its URL";
	case ADDRESS_MOVED_WORKFLOW:
		return "Microsoft has moved workflows away from logic.azure.com: open the workflow "
		       "and copy its new URL";
	case ADDRESS_WORKFLOW:
		break;
	}
	return NULL;
}

/* Made from all that the URL needs to work: a workflow's path is not secret, its signature is. */
static size_t teams_paces(const struct provider_config *config, struct pace out[PROVIDER_MAX_PACES])
{
	struct url_parts parts;
	enum address address;
	struct buf place;

	if (read_address(config_value(config, "webhook_url"), &parts, &address))
		return 0;
	buf_init(&place, CONFIG_MAX_VALUE);
	chat_add_lower(&place, parts.host);
	buf_add_str(&place, parts.path);
	if (address == ADDRESS_CONNECTOR)
		out[0] = chat_pace("teams connector", buf_str(&place), STR(""), 1,
				   CONNECTOR_INTERVAL_US);
	else
		out[0] = chat_pace("teams workflow", buf_str(&place),
				   chat_parameter(parts.query, "sig"), WORKFLOW_BURST,
				   WORKFLOW_INTERVAL_US);
	size_t count = place.err ? 0 : 1;

	if (place.bytes)
		explicit_bzero(place.bytes, place.cap); /* a connector's path is its secret */
	buf_done(&place);
	return count;
}

/* ---- the message ------------------------------------------------------------------------ */

/* Text runs read no Markdown, but clients expand {{DATE(...)}} in them, too. */
static size_t escape_run(struct buf *out, struct str rest)
{
	size_t n = chat_escape_unlinked(out, rest);

	if (rest.at[0] == '{' && rest.len > 1 && rest.at[1] == '{')
		buf_add_text(out, WORD_JOINER);
	return n;
}

static void open_block(struct buf *body)
{
	if (body->len && body->bytes[body->len - 1] != '[')
		buf_add_char(body, ',');
	buf_add_text(body, "{\"type\":\"RichTextBlock\",\"inlines\":[");
}

static void add_run(struct buf *body, const struct text_rule *rule, const char *what,
		    struct text_value value)
{
	const struct card_field field = { .what = what, .value = value };

	buf_add_text(body, "{\"type\":\"TextRun\",\"text\":");
	chat_add_string(body, rule, "", &field, "");
}

static void draw_facts(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	for (size_t i = 0; i < card->line_count; i++) {
		open_block(body);
		add_run(body, rule, "line", card->lines[i]);
		buf_add_text(body, "}]}");
	}
	for (size_t i = 0; i < card->field_count; i++) {
		open_block(body);
		buf_addf(body, "{\"type\":\"TextRun\",\"text\":\"%s: \",\"weight\":\"Bolder\"},",
			 card->fields[i].label);
		add_run(body, rule, card->fields[i].what, card->fields[i].value);
		buf_add_text(body, "}]}");
	}
	if (card->footer.len) {
		open_block(body);
		add_run(body, rule, "footer",
			(struct text_value){ .head = STR(""), .tail = card->footer });
		buf_add_text(body, ",\"size\":\"Small\",\"isSubtle\":true}]}");
	}
}

static void open_envelope(struct buf *body)
{
	buf_add_text(body,
		     "{\"type\":\"message\",\"attachments\":[{\"contentType\":"
		     "\"application/vnd.microsoft.card.adaptive\",\"contentUrl\":null,\"content\":{"
		     "\"$schema\":\"http://adaptivecards.io/schemas/adaptive-card.json\","
		     "\"type\":\"AdaptiveCard\",\"version\":\"1.4\",\"msteams\":{\"width\":"
		     "\"Full\"},\"body\":[");
}

static void draw_rich(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	static const char *const colors[] = {
		[TONE_NEUTRAL] = "Default",
		[TONE_GOOD] = "Good",
		[TONE_BAD] = "Attention",
	};

	open_envelope(body);
	open_block(body);
	buf_add_text(body, "{\"type\":\"TextRun\",\"text\":");
	chat_add_title(body, card, rule, SIZE_MAX);
	buf_addf(body, ",\"weight\":\"Bolder\",\"size\":\"Large\",\"color\":\"%s\"}]}",
		 colors[card->tone]);
	draw_facts(body, card, rule);
	buf_add_char(body, ']');
	if (card->link.len) {
		buf_add_text(body, ",\"actions\":[{\"type\":\"Action.OpenUrl\",\"title\":\"Open\"");
		json_add_member(body, "url", card->link);
		buf_add_text(body, "}]");
	}
	buf_add_text(body, "}}]}");
}

/* Plain text needs the envelope, too: after accepting a bare text a workflow fails unseen. */
static void draw_plain(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	struct buf text;

	buf_init(&text, OUTGOING_MAX_BODY);
	card_write_text(&text, card, rule);
	open_envelope(body);
	open_block(body);
	buf_add_text(body, "{\"type\":\"TextRun\",\"text\":");
	json_add_string(body, buf_str(&text));
	buf_add_text(body, "}]}]}}]}");
	if (text.err && !body->err)
		body->err = text.err;
	buf_done(&text);
}

/* Microsoft re-encodes the body before it measures it, and writes everything except ASCII as
 * \uXXXX: six bytes for each UTF-16 unit. */
static size_t size_body(struct str body)
{
	size_t size = 0;

	for (size_t i = 0; i < body.len; i++) {
		unsigned char c = (unsigned char)body.at[i];

		if (c < 0x80)
			size += 1;
		else if (c >= 0xc0)
			size += c >= 0xf0 ? 12 : 6;
	}
	return size;
}

static const struct chat_form rich = {
	{ draw_rich, size_body, BODY_LIMIT }, UNIT_BYTES, escape_run, NULL, NULL,
};
static const struct chat_form plain = {
	{ draw_plain, size_body, BODY_LIMIT }, UNIT_BYTES, escape_run, NULL, NULL,
};

static int teams_build(const struct message *message, const struct provider_config *config,
		       const struct attempt *attempt, struct outgoing *out)
{
	struct url_parts parts;
	enum address kind;
	int rc;

	if (read_address(config_value(config, "webhook_url"), &parts, &kind))
		return -EINVAL;
	rc = chat_write(&out->body, message, &rich, &plain);
	if (rc)
		return rc;
	url_write_hook(&out->url, &parts, parts.query);
	chat_post(out, "application/json", str_of(attempt->user_agent));
	return outgoing_error(out);
}

static struct measure teams_measure(const struct outgoing *request)
{
	return (struct measure){ "bytes, other than ASCII written as \\uXXXX",
				 size_body(buf_str(&request->body)), BODY_LIMIT };
}

/* ---- answers ---------------------------------------------------------------------------- */

/* Microsoft's own error, {"error":{"code":...}}: a word, where others have numbers or CAPITALS. */
static struct verdict judge_code(const struct answer *answer, const char *code, int64_t now_us)
{
	static const struct chat_meaning meanings[] = {
		{ "WorkflowTriggerIsNotEnabled", VERDICT_DISABLE,
		  "the Teams workflow is switched off or was deleted" },
		{ "WorkflowNotFound", VERDICT_DISABLE, "the Teams workflow was deleted" },
		{ "DirectApiAuthorizationRequired", VERDICT_DISABLE,
		  "the Teams workflow does not let anyone trigger it" },
		{ "TriggerInputSchemaMismatch", VERDICT_REFORM,
		  "the Teams workflow expects another kind of message" },
	};

	const struct chat_meaning *meaning =
		chat_meaning_find(meanings, ARRAY_LEN(meanings), str_of(code));

	if (meaning)
		return chat_verdict(meaning->kind, meaning->why);
	switch (answer->status) {
	case 401:
	case 403:
		return chat_verdict(VERDICT_DISABLE, "Teams does not accept the URL's signature");
	case 404:
	case 410:
		return chat_verdict(VERDICT_DISABLE, "the Teams workflow or webhook was deleted");
	case 429:
		return chat_throttled(answer, now_us, -1);
	default:
		return chat_unknown(answer, now_us, "Teams refused the message's form");
	}
}

/* Connectors that still work answer with a sentence, but without an error code. */
static struct verdict judge_sentence(const struct answer *answer, int64_t now_us)
{
	static const char *const sentences[] = { "Bad payload received",
						 "Summary or Text is required",
						 "Message is too large" };
	struct str text = str_trim(answer->body);

	for (size_t i = 0; answer->fault == ANSWER_OK && i < ARRAY_LEN(sentences); i++) {
		if (str_starts(text, str_of(sentences[i])))
			return chat_verdict(VERDICT_REFORM, "Teams refused the message's form");
	}
	if (answer->status == 429)
		return chat_throttled(answer, now_us, -1);
	return judge_stranger(answer, now_us);
}

/* The status after "HTTP error"; 0 when there is none. */
static int embedded_status(struct str text)
{
	static const char mark[] = "HTTP error ";
	const char *found = memmem(text.at, text.len, mark, strlen(mark));
	int status = 0;

	if (!found)
		return 0;
	text = str_from(text, (size_t)(found - text.at) + strlen(mark));
	for (size_t i = 0; i < 3; i++) {
		if (i >= text.len || !isdigit((unsigned char)text.at[i]))
			return 0;
		status = status * 10 + (text.at[i] - '0');
	}
	return status;
}

/* A connector's failure in a 200. It may be about this message only, so it never disables. */
static struct verdict judge_connector_text(struct str text, int64_t now_us)
{
	const struct answer meant = { .status = embedded_status(text), .headers = STR("") };
	struct verdict verdict = verdict_of(VERDICT_RETRY);

	if (meant.status == 429)
		verdict = chat_throttled(&meant, now_us, -1);
	else if (meant.status == 413)
		verdict = verdict_of(VERDICT_REFORM);
	else if (meant.status >= 400 && meant.status <= 499)
		verdict = chat_unknown(&meant, now_us, NULL);
	verdict.why = "the Teams connector took the message and failed to post it";
	return verdict;
}

static struct verdict judge_success(const struct answer *answer, int64_t now_us)
{
	struct verdict verdict = verdict_of(VERDICT_DELIVERED);
	struct str text = str_trim(answer->body);

	if (answer->status == 200 && str_is(text, "1"))
		return verdict; /* a connector: posted */
	verdict.is_accepted_only = true;
	if (str_starts(text, STR("<")))
		return judge_stranger(answer, now_us);
	/* A workflow's author may let it answer 200 with JSON or an empty body; a connector's
	 * sentence is neither. */
	if (answer->fault == ANSWER_OK && answer->status == 200 && text.len && text.at[0] != '{' &&
	    text.at[0] != '[')
		return judge_connector_text(text, now_us);
	return verdict;
}

static struct verdict teams_judge(const struct answer *answer, int64_t now_us)
{
	struct verdict verdict = judge_by_status(answer, now_us);
	const char *code;
	cJSON *tree;

	if (verdict.kind == VERDICT_DELIVERED)
		return judge_success(answer, now_us);
	if (answer->status == 0)
		return verdict;
	tree = chat_answer_tree(answer);
	code = chat_camel_word(json_get_string(json_get(tree, "error"), "code"));
	verdict = code ? judge_code(answer, code, now_us) : judge_sentence(answer, now_us);
	cJSON_Delete(tree);
	return verdict;
}

const struct provider teams_provider = {
	.name = "teams",
	.title = "Teams",
	.fields = { { .name = "webhook_url",
		      .need = FIELD_REQUIRED,
		      .use = FIELD_TARGET,
		      .example =
			      "https://example.environment.api.powerplatform.com/workflows/example/"
			      "triggers/manual/paths/invoke?sig=example" } },
	.folds = true,
	.check = teams_check,
	.warning = teams_warning,
	.build = teams_build,
	.judge = teams_judge,
	.paces = teams_paces,
	.measure = teams_measure,
};
