/* SPDX-License-Identifier: Apache-2.0 */

/* Code that chat providers share, besides cards and text. Pure; errors stick in the buffers. */
#include "providers/chat.h"
#include "providers/card_make.h"

#include <ctype.h>

#include "core/crypto.h"
#include "core/utf8.h"
#include "providers/provider.h"

#define WORD_JOINER  "\xe2\x81\xa0" /* U+2060: no width, and no letter of any address */
#define WISH_MAX_MS  3600000
#define STRING_LIMIT OUTGOING_MAX_BODY

/* The names of events keep their dots: no domain ends in one of these words. */
static bool is_kind_word(struct str rest)
{
	static const char *const words[] = { "create",    "pause",  "resume",   "destroy",
					     "delete",    "up",     "snapshot", "down",
					     "test",      "missed", "digest",   "expectation",
					     "checkpoint" };
	struct str word = { .at = rest.at, .len = 0 };

	while (word.len < rest.len &&
	       (isalnum((unsigned char)rest.at[word.len]) || (rest.at[word.len] & 0x80)))
		word.len++;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_is(word, words[i]))
			return true;
	}
	return false;
}

/* True when the rest could make the character before it part of an address or a name. */
static bool is_joined(char mark, struct str rest)
{
	if (rest.len == 0)
		return false;
	unsigned char next = (unsigned char)rest.at[0];

	/* Times, versions and IPv4 addresses keep their digits together; an address with a scheme
	 * is broken at its scheme. */
	if (mark == '.' && is_kind_word(rest))
		return false;
	if (mark == '.' || mark == ':')
		return isalpha(next) || next >= 0x80 || next == '/';
	return isalnum(next) || next >= 0x80 || next == '_';
}

size_t chat_escape_unlinked(struct buf *out, struct str rest)
{
	char mark = rest.at[0];
	size_t n = text_escape_none(out, rest);

	if (n == 1 && mark && strchr(".:@#", mark) && is_joined(mark, str_from(rest, 1)))
		buf_add_text(out, WORD_JOINER);
	return n;
}

void chat_add_string(struct buf *json, const struct text_rule *rule, const char *before,
		     const struct card_field *field, const char *after)
{
	struct buf text;

	buf_init(&text, STRING_LIMIT);
	buf_add_text(&text, before);
	text_add(&text, rule, field->what, field->value, SIZE_MAX);
	buf_add_text(&text, after);
	if (text.err && !json->err)
		json->err = text.err;
	json_add_string(json, buf_str(&text));
	buf_done(&text);
}

void chat_add_value(struct buf *json, const struct text_rule *rule, const char *what,
		    struct text_value value, size_t max)
{
	struct text_rule tight = *rule;
	const struct card_field field = { .what = what, .value = value };

	if (tight.cap > max)
		tight.cap = max;
	chat_add_string(json, &tight, "", &field, "");
}

void chat_add_title(struct buf *json, const struct card *card, const struct text_rule *rule,
		    size_t max)
{
	struct buf text;

	buf_init(&text, STRING_LIMIT);
	card_write_title(&text, card, rule, max);
	json_add_string(json, buf_str(&text));
	if (text.err && !json->err)
		json->err = text.err;
	buf_done(&text);
}

void chat_add_lines(struct buf *json, const struct card *card, const struct text_rule *rule,
		    size_t max)
{
	struct buf text;

	buf_init(&text, STRING_LIMIT);
	card_write_lines(&text, card, rule, max);
	json_add_string(json, buf_str(&text));
	if (text.err && !json->err)
		json->err = text.err;
	buf_done(&text);
}

static int write_member(struct buf *body, const struct card *card, const struct text_rule *rule,
			const struct chat_form *form)
{
	struct buf text;
	int rc;

	buf_init(&text, STRING_LIMIT);
	rc = card_fit(&text, card, rule, &form->sketch);
	if (rc == 0) {
		buf_add_char(body, '{');
		json_add_member(body, form->member, buf_str(&text));
		buf_add_text(body, form->rest);
		buf_add_char(body, '}');
		rc = body->err;
	}
	buf_done(&text);
	return rc;
}

int chat_write(struct buf *body, const struct message *message, const struct chat_form *rich,
	       const struct chat_form *plain)
{
	const struct chat_form *form = message->form == FORM_PLAIN ? plain : rich;
	const struct text_rule rule = {
		.unit = form->unit,
		.counts_escaped = true,
		.escape = form->escape,
		.cap = SIZE_MAX,
		.trims = message->trims,
	};
	struct card card;
	int rc = card_make(&card, message);

	if (rc == 0)
		rc = form->member ? write_member(body, &card, &rule, form)
				  : card_fit(body, &card, &rule, &form->sketch);
	card_done(&card);
	return rc;
}

void chat_post(struct outgoing *out, const char *type, struct str agent)
{
	out->method = "POST";
	outgoing_header(out, "Content-Type", str_of(type));
	outgoing_header(out, "User-Agent", agent);
}

size_t chat_size_bytes(struct str body)
{
	return body.len;
}

size_t chat_size_points(struct str body)
{
	return text_size(body, UNIT_CODE_POINTS);
}

size_t chat_size_utf16(struct str body)
{
	return text_size(body, UNIT_UTF16);
}

const struct chat_meaning *chat_meaning_find(const struct chat_meaning *all, size_t count,
					     struct str word)
{
	for (size_t i = 0; i < count; i++) {
		if (str_is(word, all[i].word))
			return &all[i];
	}
	return NULL;
}

const char *chat_camel_word(const char *text)
{
	bool is_word = text && text[0] >= 'A' && text[0] <= 'Z' && str_is_word(str_of(text), "");

	for (size_t i = 0; is_word && text[i]; i++) {
		if (text[i] >= 'a' && text[i] <= 'z')
			return text;
	}
	return NULL;
}

cJSON *chat_answer_tree(const struct answer *answer)
{
	cJSON *tree;

	if (answer->fault != ANSWER_OK ||
	    json_parse_foreign(answer->body, ANSWER_MAX_BODY, &tree, NULL))
		return NULL;
	if (cJSON_IsObject(tree))
		return tree;
	cJSON_Delete(tree);
	return NULL;
}

struct verdict chat_judge(const struct answer *answer, int64_t now_us,
			  struct verdict (*judge_body)(const struct answer *answer,
						       const cJSON *tree, int64_t now_us))
{
	cJSON *tree = chat_answer_tree(answer);
	struct verdict verdict = answer->status == 0 ? judge_by_status(answer, now_us)
						     : judge_body(answer, tree, now_us);

	cJSON_Delete(tree);
	return verdict;
}

int64_t chat_wish_ms(const cJSON *number, double unit_ms)
{
	if (!cJSON_IsNumber(number) || !(number->valuedouble >= 0))
		return -1;
	double wish = number->valuedouble * unit_ms;

	if (wish >= WISH_MAX_MS)
		return WISH_MAX_MS;
	return (int64_t)wish + (wish > (double)(int64_t)wish);
}

struct verdict chat_verdict(enum verdict_kind kind, const char *why)
{
	struct verdict verdict = verdict_of(kind);

	verdict.why = why;
	return verdict;
}

struct verdict chat_unknown(const struct answer *answer, int64_t now_us, const char *why)
{
	struct verdict verdict = judge_by_status(answer, now_us);
	bool is_temporary = answer->status == 408 || answer->status == 425 || answer->status == 429;

	if (verdict.kind == VERDICT_DELIVERED)
		verdict.kind = VERDICT_RETRY;
	if (answer->status >= 400 && answer->status <= 499 && !is_temporary) {
		verdict.kind = VERDICT_REFORM;
		verdict.is_unknown = true;
	}
	verdict.why = why;
	return verdict;
}

struct verdict chat_half_success(const struct answer *answer, int64_t now_us)
{
	if (str_starts(str_trim(answer->body), STR("<")))
		return judge_stranger(answer, now_us);
	return judge_by_status(answer, now_us);
}

struct verdict chat_throttled(const struct answer *answer, int64_t now_us, int64_t wish_ms)
{
	struct verdict verdict = verdict_of(VERDICT_RETRY);
	int64_t header_ms = retry_after_ms(answer, now_us);

	verdict.retry_after_ms = wish_ms > header_ms ? wish_ms : header_ms;
	verdict.pause_ms = verdict.retry_after_ms;
	verdict.pause = PAUSE_CHANNEL;
	verdict.is_throttled = true;
	return verdict;
}

struct str chat_parameter(struct str query, const char *name)
{
	while (query.len) {
		struct str value = str_cut(&query, '&');

		if (str_is(str_cut(&value, '='), name) && value.len)
			return value;
	}
	return STR("");
}

void chat_add_lower(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool is_upper = text.at[i] >= 'A' && text.at[i] <= 'Z';

		buf_add_char(out, is_upper ? (char)(text.at[i] - 'A' + 'a') : text.at[i]);
	}
}

struct pace chat_pace(const char *kind, struct str id, struct str more, unsigned burst,
		      int64_t interval_us)
{
	struct pace pace = { .burst = burst, .interval_us = interval_us };
	uint8_t mac[SHA256_SIZE];
	const struct str pieces[] = { id, STR("\n"), more };

	crypto_hmac_sha256(str_of(kind), pieces, ARRAY_LEN(pieces), mac);
	hex_encode(mac, sizeof(mac), pace.key);
	return pace;
}
